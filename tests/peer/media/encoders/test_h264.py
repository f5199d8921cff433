import pytest

from peer.media.encoders.h264 import level_for


@pytest.mark.parametrize(
    ("size", "fps", "level"),
    [
        ((320, 180), 15, "3.1"),
        ((1280, 720), 30, "3.1"),
        ((1280, 720), 60, "3.2"),
        ((1920, 1080), 30, "4.0"),
        ((1920, 1080), 60, "4.2"),
        ((3840, 2160), 30, "5.1"),
        ((3840, 2160), 60, "5.2"),
    ],
)
def test_the_level_is_the_lowest_that_allows_the_pictures(size: tuple[int, int], fps: float, level: str) -> None:
    assert level_for(size, fps) == level
