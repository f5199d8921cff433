"""Draws the test pattern: colour bars, a grey ramp, a bar that moves, a clock, and the time code on top. Pure."""

import numpy as np
from numpy.typing import NDArray

from peer.capture import timecode

Plane = NDArray[np.uint8]

# 75 % bars of BT.601: grey, yellow, cyan, green, magenta, red, blue
BARS = ((180, 128, 128), (162, 44, 142), (131, 156, 44), (112, 72, 58), (84, 184, 198), (65, 100, 212), (35, 212, 114))
NEUTRAL = 128
SWEEP = 4.0  # seconds the moving bar takes across the picture

# 3 x 5 digits, rows from the top
GLYPHS = {
    "0": "### #.# #.# #.# ###",
    "1": ".#. ##. .#. .#. ###",
    "2": "### ..# ### #.. ###",
    "3": "### ..# .## ..# ###",
    "4": "#.# #.# ### ..# ..#",
    "5": "### #.. ### ..# ###",
    "6": "### #.. ### #.# ###",
    "7": "### ..# ..# .#. .#.",
    "8": "### #.# ### #.# ###",
    "9": "### #.# ### ..# ###",
    ":": "... .#. ... .#. ...",
    ".": "... ... ... ... .#.",
}


class Pattern:
    """A picture that is the same but for what moves: that alone is drawn anew."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width & ~1, height & ~1
        self._base = _base(self.width, self.height)
        self._glyphs = {text: _glyph(rows, max(self.height // 60, 1)) for text, rows in GLYPHS.items()}

    def draw(self, planes: tuple[Plane, Plane, Plane], milliseconds: int, clock: str) -> None:
        """Draw the picture of a moment into its planes (Y, U, V): Unix milliseconds, and the time as people read it."""
        for plane, base in zip(planes, self._base, strict=True):
            plane[:] = base
        self._draw_sweep(planes, milliseconds / 1000 % SWEEP / SWEEP)
        self._draw_clock(planes[0], clock)
        timecode.draw(planes[0], milliseconds)

    def _draw_sweep(self, planes: tuple[Plane, Plane, Plane], progress: float) -> None:
        thickness = max(self.width // 64, 1) * 2
        left = int(progress * (self.width - thickness)) & ~1
        top = timecode.strip_height(self.height) + 1 & ~1
        luma, *chroma = planes
        luma[top:, left : left + thickness] = timecode.WHITE
        for plane in chroma:
            plane[top // 2 :, left // 2 : (left + thickness) // 2] = NEUTRAL

    def _draw_clock(self, luma: Plane, clock: str) -> None:
        rows, columns = self._glyphs["0"].shape
        top, left = self.height - rows * 2, (self.width - columns * len(clock)) // 2
        if top < 0 or left < 0:
            return  # too small a picture for digits
        for n, character in enumerate(clock):
            luma[top : top + rows, left + n * columns : left + (n + 1) * columns] = self._glyphs[character]


def _base(width: int, height: int) -> tuple[Plane, Plane, Plane]:
    bars = np.array(BARS, np.uint8)
    luma = np.tile(bars[np.arange(width) * len(BARS) // width, 0], (height, 1))
    luma[height * 3 // 4 :] = np.linspace(timecode.BLACK, timecode.WHITE, width).astype(np.uint8)
    columns = np.arange(width // 2) * len(BARS) // max(width // 2, 1)
    return luma, _chroma(bars[columns, 1], height), _chroma(bars[columns, 2], height)


def _chroma(row: NDArray[np.uint8], height: int) -> Plane:
    """Return a chroma plane that is neutral where the time code and the grey ramp are."""
    plane = np.tile(row, (height // 2, 1))
    plane[: timecode.strip_height(height) // 2 + 1] = NEUTRAL
    plane[height * 3 // 8 :] = NEUTRAL
    return plane


def _glyph(rows: str, scale: int) -> Plane:
    """Return a digit with a black margin around it."""
    bits = np.array([[mark == "#" for mark in row] for row in rows.split()])
    framed = np.pad(bits, 1)
    return np.where(framed, timecode.WHITE, timecode.BLACK).astype(np.uint8).repeat(scale, 0).repeat(scale, 1)
