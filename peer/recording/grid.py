"""Where in one picture everybody's is. Pure."""

from dataclasses import dataclass
from math import isqrt


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, in pixels, all even: colours are kept for squares of four."""

    left: int
    top: int
    width: int
    height: int


def cells(count: int, width: int, height: int) -> list[Box]:
    """Return equal parts of a picture for so many, row by row; the last row may have fewer, in its middle."""
    columns = isqrt(max(count - 1, 0)) + 1
    rows = -(-count // columns)
    across, down = _even(width // columns), _even(height // max(rows, 1))
    found = []
    for number in range(count):
        row, column = divmod(number, columns)
        missing = columns - min(columns, count - row * columns)
        found.append(Box(_even(column * across + missing * across // 2), row * down, across, down))
    return found


def fit(width: int, height: int, box: Box) -> Box:
    """Return the largest part of a box, in its middle, that has the shape of a picture of this size."""
    scale = min(box.width / width, box.height / height)
    across, down = max(_even(int(width * scale)), 2), max(_even(int(height * scale)), 2)
    left, top = box.left + _even((box.width - across) // 2), box.top + _even((box.height - down) // 2)
    return Box(left, top, across, down)


def _even(pixels: int) -> int:
    return pixels & ~1
