"""Pictures and sound to encode, and how near what was decoded comes to them."""

from collections.abc import Iterable, Sequence

import av
import numpy as np
from numpy.typing import NDArray

from peer.capture.clock import AUDIO_RATE, BLOCK
from peer.capture.convert import PIXELS, block_frame, plane_array, stamp_picture
from peer.capture.pattern_input import tone_block
from peer.capture.picture import Pattern
from peer.media.encoders import Encoded

DECODERS = {"H264": "h264", "VP8": "vp8"}
GRAIN = 4  # deviation of the noise of a camera, of 255
STRIDE = 2.3  # pixels that the texture moves per frame: not a whole number, as in life


def pictures(count: int, size: tuple[int, int] = (640, 360), fps: float = 30) -> list[av.VideoFrame]:
    """Return the test pattern with a texture that moves over half of it, and the grain of a camera on all of it."""
    width, height = size
    random = np.random.default_rng(4)
    pattern = Pattern(width, height)
    texture = _texture(random, width * 2, height)
    grain = [random.normal(0, GRAIN, (height, width)).astype(np.int16) for _ in range(3)]
    return [_picture(pattern, texture, grain[n % 3], n, fps) for n in range(count)]


def _texture(random: np.random.Generator, width: int, height: int) -> NDArray[np.float64]:
    coarse = np.kron(random.normal(128, 40, (height // 8 + 1, width // 8 + 1)), np.ones((8, 8)))
    for axis in (0, 1):
        coarse = sum(np.roll(coarse, shift, axis) for shift in range(-3, 4)) / 7
    return coarse[:height, :width]


def _picture(
    pattern: Pattern, texture: NDArray[np.float64], grain: NDArray[np.int16], number: int, fps: float
) -> av.VideoFrame:
    frame = av.VideoFrame(pattern.width, pattern.height, PIXELS)
    planes = plane_array(frame, 0), plane_array(frame, 1), plane_array(frame, 2)
    pattern.draw(planes, int(number * 1000 / fps), "12:00:00.000")
    luma, middle = planes[0], pattern.width // 2
    whole, part = divmod(number * STRIDE % middle, 1)
    left = texture[:, int(whole) : int(whole) + middle]
    right = texture[:, int(whole) + 1 : int(whole) + 1 + middle]
    luma[pattern.height // 6 :, middle:] = (left * (1 - part) + right * part)[pattern.height // 6 :].clip(16, 235)
    luma[:] = (luma + np.roll(grain, number * 7, 1)).clip(0, 255)
    return stamp_picture(frame, int(number * 90_000 / fps))


def stamped(frames: Sequence[av.VideoFrame], *, start: float, fps: float, count: int) -> Iterable[av.VideoFrame]:
    """Go round and round the frames, with the time stamps of a camera of another frame rate, from `start` seconds."""
    for number in range(count):
        yield stamp_picture(frames[number % len(frames)], int((start + number / fps) * 90_000))


def decoded_pictures(codec: str, encoded: Iterable[Encoded]) -> list[av.VideoFrame]:
    """Decode what an encoder delivered."""
    decoder = av.CodecContext.create(DECODERS[codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    frames = [frame for one in encoded for frame in decoder.decode(av.Packet(one.bitstream))]
    return frames + decoder.decode(None)


def psnr(ours: Sequence[av.VideoFrame], theirs: Sequence[av.VideoFrame]) -> float:
    """Return the peak signal-to-noise ratio of the luma of all pictures, in dB."""
    assert len(ours) == len(theirs)
    pairs = zip(ours, theirs, strict=True)
    errors = [np.mean((plane_array(a, 0).astype(np.int16) - plane_array(b, 0)) ** 2.0) for a, b in pairs]
    return float(10 * np.log10(255**2 / np.mean(errors)))


def units(bitstream: bytes) -> list[bytes]:
    """Return the NAL units of an Annex B bitstream."""
    return [unit for unit in bitstream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]


def tone(count: int, frequency: float = 440.0) -> list[av.AudioFrame]:
    """Return blocks of a sine."""
    return [block_frame(tone_block(frequency, n), n * BLOCK) for n in range(count)]


def silence(count: int, value: int = 0) -> list[av.AudioFrame]:
    """Return blocks whose samples are all the same."""
    return [block_frame(np.full(BLOCK * 2, value, np.int16).tobytes(), n * BLOCK) for n in range(count)]


def decoded_sound(packets: Iterable[bytes]) -> NDArray[np.float64]:
    """Decode Opus packets; return the left channel, 1.0 being full scale."""
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate = AUDIO_RATE
    decoder.format, decoder.layout = "s16", "stereo"
    blocks = [frame.to_ndarray() for packet in packets for frame in decoder.decode(av.Packet(packet))]
    return np.concatenate([block.reshape(-1, 2)[:, 0] for block in blocks]) / 32768


def frequency_of(sound: NDArray[np.float64]) -> float:
    """Return the strongest frequency of a sound, in Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * AUDIO_RATE / len(sound))
