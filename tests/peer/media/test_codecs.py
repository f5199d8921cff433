import pytest

from peer.media.codecs import Codec, choose
from peer.media.sending import best_bitrate

VP8, H264, OTHER = Codec("VP8", 96, 97), Codec("H264", 102, 103), Codec("AV1", 45)


@pytest.mark.parametrize(
    ("offered", "wanted", "running", "chosen"),
    [
        ([VP8, H264], "auto", {}, H264),
        ([VP8], "auto", {}, VP8),
        ([VP8, H264], "auto", {"VP8"}, VP8),
        ([VP8, H264], "auto", {"VP8", "H264"}, H264),
        ([VP8], "auto", {"H264"}, VP8),
        ([VP8, H264], "VP8", {"H264"}, VP8),
        ([VP8], "H264", {"H264"}, VP8),
        ([OTHER], "auto", {}, None),
        ([], "H264", {}, None),
    ],
)
def test_the_codec_is_the_wanted_one_or_one_that_is_there_or_the_cheapest(
    offered: list[Codec], wanted: str, running: set[str], chosen: Codec | None
) -> None:
    assert choose(offered, wanted, running) == chosen


@pytest.mark.parametrize(
    ("size", "fps", "bitrate"),
    [((1280, 720), 30, 1_520_640), ((320, 180), 10, 150_000), ((7680, 4320), 60, 8_000_000)],
)
def test_a_picture_gets_the_bits_that_suit_its_size_within_bounds(
    size: tuple[int, int], fps: float, bitrate: int
) -> None:
    assert best_bitrate(*size, fps) == bitrate
