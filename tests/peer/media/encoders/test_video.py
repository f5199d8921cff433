"""libx264 and libvpx, decoded again."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from peer.capture.convert import PIXELS, plane_array
from peer.errors import UsageError
from peer.media.encoders import Encoded, VideoEncoder, open_video_encoder
from tests.peer.media.encoders.material import decoded_pictures, pictures, psnr, stamped, units

SIZE = (640, 360)
CODECS = ("H264", "VP8")
IDR, SEI, SPS, PPS = 5, 6, 7, 8  # types of NAL units
BASELINE, CONSTRAINED = 66, 0x40  # profile_idc, constraint_set1_flag


@pytest.fixture(scope="module")
def drawn() -> list[av.VideoFrame]:
    return pictures(60, SIZE)


@pytest.fixture
def clip(drawn: list[av.VideoFrame]) -> list[av.VideoFrame]:
    """Return two seconds of moving pictures, as a source delivers them."""
    for frame in drawn:
        frame.pict_type = PictureType.NONE
    return list(stamped(drawn, start=0, fps=30, count=len(drawn)))


@pytest.fixture(params=CODECS)
def encoder(request: pytest.FixtureRequest) -> Iterator[VideoEncoder]:
    encoder = open_video_encoder(request.param, size=SIZE, fps=30, bitrate=1_000_000)
    yield encoder
    encoder.close()


def every(encoder: VideoEncoder, frames: Iterable[av.VideoFrame]) -> list[Encoded]:
    """Encode frames of which each has to come out."""
    encoded = [encoder.encode(frame) for frame in frames]
    assert None not in encoded
    return [one for one in encoded if one is not None]


def keys(encoded: Iterable[Encoded]) -> list[int]:
    return [number for number, one in enumerate(encoded) if one.is_key]


def rate(encoded: list[Encoded], fps: float) -> float:
    """Return the bits per second of the later half, when the rate has settled."""
    settled = encoded[len(encoded) // 2 :]
    return sum(len(one.bitstream) for one in settled) * 8 * fps / len(settled)


def test_each_picture_comes_out_at_once_and_looks_as_it_went_in(
    encoder: VideoEncoder, clip: list[av.VideoFrame]
) -> None:
    encoded = every(encoder, clip)
    assert psnr(clip, decoded_pictures(encoder.codec, encoded)) > 34


def test_key_frames_are_those_that_were_asked_for(encoder: VideoEncoder, clip: list[av.VideoFrame]) -> None:
    encoded = [encoder.encode(frame, key=number in (20, 41)) for number, frame in enumerate(clip)]
    assert [number for number, one in enumerate(encoded) if one is not None and one.is_key] == [0, 20, 41]


def test_decoding_can_begin_with_any_key_frame(encoder: VideoEncoder, clip: list[av.VideoFrame]) -> None:
    encoded = every(encoder, clip[:20])
    key = encoder.encode(clip[20], key=True)
    assert key is not None
    rest = [key, *every(encoder, clip[21:30])]
    assert len(encoded) == 20
    assert psnr(clip[20:30], decoded_pictures(encoder.codec, rest)) > 30


def test_frames_of_cameras_which_all_say_they_are_key_frames_do_not_become_such(
    encoder: VideoEncoder, clip: list[av.VideoFrame]
) -> None:
    for frame in clip[:10]:
        frame.pict_type = PictureType.I
    assert keys(every(encoder, clip[:10])) == [0]


def test_the_frame_itself_stays_as_it_was(encoder: VideoEncoder) -> None:
    (frame,) = pictures(1, SIZE)
    frame.pts, frame.pict_type = 12_345, PictureType.P
    before = plane_array(frame, 0).copy()
    encoder.encode(frame, key=True)
    assert (frame.pts, frame.pict_type) == (12_345, PictureType.P)
    assert np.array_equal(plane_array(frame, 0), before)


def test_two_encoders_in_two_threads_can_be_given_the_same_frames(clip: list[av.VideoFrame]) -> None:
    encoders = [open_video_encoder(codec, size=SIZE, fps=30, bitrate=1_000_000) for codec in CODECS * 2]

    def encode(number: int) -> list[int]:
        encoded = [encoders[number].encode(frame, key=n % 10 == number) for n, frame in enumerate(clip)]
        return keys(one for one in encoded if one is not None)

    with ThreadPoolExecutor(len(encoders)) as pool:
        found = list(pool.map(encode, range(len(encoders))))
    assert found == [sorted({0, *range(number, len(clip), 10)}) for number in range(len(encoders))]


def test_the_bitrate_goes_down_and_up_again_without_a_key_frame(
    encoder: VideoEncoder, clip: list[av.VideoFrame]
) -> None:
    assert not encoder.needs_key_to_change_rate
    start, found = 0.0, []
    for bitrate, seconds in ((1_500_000, 3), (500_000, 3), (2_000_000, 4)):
        encoder.set_bitrate(bitrate)
        encoded = every(encoder, stamped(clip, start=start, fps=30, count=seconds * 30))
        assert keys(encoded) == ([0] if start == 0 else [])
        start += seconds
        found.append(rate(encoded, 30) / bitrate)
    assert found == pytest.approx([1, 1, 1], abs=0.15)


def test_a_bitrate_far_above_the_first_takes_one_key_frame(encoder: VideoEncoder, clip: list[av.VideoFrame]) -> None:
    every(encoder, clip[:5])
    encoder.set_bitrate(6_000_000)
    assert keys(every(encoder, clip[5:10])) == [0]


@pytest.mark.parametrize("fps", [10, 15, 60])
def test_a_camera_of_another_frame_rate_gets_the_same_bitrate(
    encoder: VideoEncoder, clip: list[av.VideoFrame], fps: int
) -> None:
    encoder.set_bitrate(500_000)
    encoded = every(encoder, stamped(clip, start=0, fps=fps, count=fps * 4))
    assert rate(encoded, fps) == pytest.approx(500_000, rel=0.2)


def test_after_one_picture_per_second_the_rate_does_not_explode(
    encoder: VideoEncoder, clip: list[av.VideoFrame]
) -> None:
    every(encoder, clip[:30])
    every(encoder, stamped(clip, start=1, fps=1, count=8))
    encoded = every(encoder, stamped(clip, start=9, fps=30, count=60))
    assert sum(len(one.bitstream) for one in encoded[:30]) * 8 < 2_000_000
    assert rate(encoded, 30) == pytest.approx(1_000_000, rel=0.25)


def test_a_picture_of_another_size_is_scaled(encoder: VideoEncoder) -> None:
    (decoded,) = decoded_pictures(encoder.codec, every(encoder, pictures(1, (320, 180))))
    assert (decoded.width, decoded.height, decoded.format.name) == (*SIZE, PIXELS)


def test_closing_twice_is_allowed_and_encoding_afterwards_begins_with_a_key_frame(
    encoder: VideoEncoder, clip: list[av.VideoFrame]
) -> None:
    every(encoder, clip[:3])
    encoder.close()
    encoder.close()
    assert keys(every(encoder, clip[3:6])) == [0]


@pytest.mark.parametrize("size", [(1920, 1080), (2, 2), (62, 34)])
@pytest.mark.parametrize("codec", CODECS)
def test_large_and_tiny_pictures_are_encoded(codec: str, size: tuple[int, int]) -> None:
    frame = av.VideoFrame(*size, PIXELS)
    for index in range(3):
        plane_array(frame, index)[:] = 100
    encoder = open_video_encoder(codec, size=size, fps=30, bitrate=300_000)
    (decoded,) = decoded_pictures(codec, every(encoder, [frame]))
    assert abs(int(plane_array(decoded, 0)[1, 1]) - 100) < 3


def test_h264_is_constrained_baseline_with_its_parameters_before_each_idr(clip: list[av.VideoFrame]) -> None:
    encoder = open_video_encoder("H264", size=SIZE, fps=30, bitrate=1_000_000)
    first, ordinary, key = every(encoder, clip[:1]) + every(encoder, clip[1:2]) + [encoder.encode(clip[2], key=True)]
    assert key is not None
    assert [unit[0] & 31 for unit in units(key.bitstream)] == [SPS, PPS, IDR]
    assert [unit[0] & 31 for unit in units(ordinary.bitstream)] == [1]
    assert [unit[0] & 31 for unit in units(first.bitstream)] == [SPS, PPS, SEI, IDR]
    _, profile, constraints, level = units(key.bitstream)[0][:4]
    assert (profile, constraints & CONSTRAINED, level) == (BASELINE, CONSTRAINED, 31)


@pytest.mark.parametrize(("codec", "name"), [("H264", "libx264"), ("VP8", "libvpx")])
def test_software_is_the_default_and_can_be_named(codec: str, name: str) -> None:
    for encoder in ("software", name):
        opened = open_video_encoder(codec, size=SIZE, fps=30, bitrate=1_000_000, encoder=encoder)
        assert (opened.codec, opened.implementation, opened.is_hardware, opened.size) == (codec, name, False, SIZE)


def test_what_cannot_be_encoded_is_refused_with_what_can() -> None:
    with pytest.raises(UsageError, match="H264 or VP8"):
        open_video_encoder("AV1", size=SIZE, fps=30, bitrate=1_000_000)
    with pytest.raises(UsageError, match="even"):
        open_video_encoder("VP8", size=(641, 360), fps=30, bitrate=1_000_000)
    with pytest.raises(UsageError, match="no rates"):
        open_video_encoder("VP8", size=SIZE, fps=0, bitrate=1_000_000)
    with pytest.raises(UsageError, match="no rate"):
        open_video_encoder("VP8", size=SIZE, fps=30, bitrate=1_000_000).set_bitrate(0)
