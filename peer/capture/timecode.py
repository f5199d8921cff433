"""A time code drawn into pictures, which survives lossy coding and scaling: how a far end measures delay and loss.

The strip at the very top, a twelfth of the picture tall, has 40 equal cells, white for 1 and black for 0:

    1 0 │ 32 bits, most significant first │ 4 bits of check sum │ 0 1      (sync, milliseconds, check, end)

The milliseconds are those of the Unix clock modulo 2**32; the check sum is the exclusive or of their eight nibbles.
Whoever draws it must make the chroma of the strip neutral (128).
"""

from functools import reduce

import numpy as np
from numpy.typing import NDArray

CELLS = 40
WHITE, BLACK = 235, 16  # luma
MIN_CONTRAST = 60  # of luma, between white and black as read
STRIP = 12  # the strip is one STRIPth of the height


def strip_height(height: int) -> int:
    """Return how many rows of a picture the time code takes."""
    return max(height // STRIP, 1)


def cells(milliseconds: int) -> list[bool]:
    """Return the cells of a time code, from left to right; True is white."""
    value = milliseconds % 2**32
    word = value << 4 | _check(value)
    return [True, False, *(bool(word >> bit & 1) for bit in range(35, -1, -1)), False, True]


def draw(y_plane: NDArray[np.uint8], milliseconds: int) -> None:
    """Draw a time code into the luma of a picture (rows, columns), at least 40 columns wide."""
    height, width = y_plane.shape
    lumas = np.where(cells(milliseconds), WHITE, BLACK).astype(np.uint8)
    y_plane[: strip_height(height)] = lumas[(2 * np.arange(width) + 1) * CELLS // (2 * width)]


def read(luma: NDArray[np.uint8]) -> int | None:
    """Return the milliseconds of the time code in a luma plane (rows, columns), None if there is none to be read."""
    bits = _sample(luma)
    if bits is None or bits[:2] != [True, False] or bits[-2:] != [False, True]:
        return None
    word = reduce(lambda value, bit: value << 1 | bit, bits[2:-2], 0)
    value, check = word >> 4, word & 0xF
    return value if check == _check(value) else None


def _check(value: int) -> int:
    return reduce(lambda check, shift: check ^ value >> shift & 0xF, range(0, 32, 4), 0)


def _sample(luma: NDArray[np.uint8]) -> list[bool] | None:
    """Take the middle of every cell: the edges are what coding and scaling blur."""
    height, width = luma.shape
    if width < CELLS or height < STRIP:
        return None
    rows = strip_height(height)
    middle = luma[rows // 4 : max(rows - rows // 4, rows // 4 + 1)].mean(axis=0)
    cell = width / CELLS
    half = int(cell / 4)  # columns to either side of the middle
    centres = [int((n + 0.5) * cell) for n in range(CELLS)]
    levels = [middle[centre - half : centre + half + 1].mean() for centre in centres]
    low, high = min(levels), max(levels)
    if high - low < MIN_CONTRAST:
        return None
    return [bool(level > (low + high) / 2) for level in levels]
