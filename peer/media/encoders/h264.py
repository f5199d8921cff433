"""H.264's levels: what a decoder must be able to do. Pure."""

import math

MACROBLOCK = 16  # pixels
# Table A-1: level, macroblocks per second, macroblocks per frame. WebRTC's usual profile-level-id, 42e01f, says 3.1.
LEVELS = (
    ("3.1", 108_000, 3_600),
    ("3.2", 216_000, 5_120),
    ("4.0", 245_760, 8_192),
    ("4.2", 522_240, 8_704),
    ("5.1", 983_040, 36_864),
)
HIGHEST = "5.2"


def level_for(size: tuple[int, int], fps: float) -> str:
    """Return the lowest level, from 3.1 on, that allows such pictures."""
    blocks = math.prod(math.ceil(length / MACROBLOCK) for length in size)
    for level, per_second, per_frame in LEVELS:
        if blocks <= per_frame and blocks * fps <= per_second:
            return level
    return HIGHEST
