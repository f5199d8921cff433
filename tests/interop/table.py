"""The table of docs/interop.md: how what came of the plays is written down. Pure."""

from collections import Counter
from collections.abc import Iterable

Cells = tuple[str, str]
NOTHING = ""
TIMES = {"tab closed": 10}  # plays of a row in which two things race; of any other, one


def counted(plays: Iterable[Cells]) -> Cells:
    """Return what came of several plays of a row; if there are many, how many of them came out so."""
    outwards, inwards = zip(*plays, strict=True)
    return _counted(outwards), _counted(inwards)


def _counted(cells: tuple[str, ...]) -> str:
    if len(cells) == 1 or not any(cells):
        return cells[0]
    return "; ".join(f"{cell}, {times} of {len(cells)}" for cell, times in Counter(cells).most_common())


def table(results: dict[str, dict[str, Cells]]) -> str:
    """Return the results as Markdown: a column for each browser and direction."""
    browsers = list(results)
    lines = ["| | " + " | ".join(f"Python → {name} | {name} → Python" for name in browsers) + " |"]
    lines.append("|---" * (1 + 2 * len(browsers)) + "|")
    for row in next(iter(results.values())):
        cells = [cell.replace("|", "/") for name in browsers for cell in results[name][row]]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)
