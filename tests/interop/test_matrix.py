"""Some rows of the interop matrix; all of them: `make interop`."""

import pytest

from peer.testing import Join, Journal, OpenBrowser, Spawn
from signaling.config import Options
from tests.interop.__main__ import PAGE
from tests.interop.rows import ROWS
from tests.interop.scene import Scene
from tests.interop.table import TIMES, Cells, counted, table

pytestmark = pytest.mark.e2e
GRACE = 4.0  # seconds: a page that goes away may say so only after its socket was closed, on a machine that is busy


@pytest.fixture
def signaling_options() -> Options:
    return {"grace": GRACE}


def written(browser: str, row: str) -> Cells:
    """Return the cells of a row as the page has them."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.read_text().splitlines() if "|" in line]
    (cells,) = (cells for cells in rows if cells[0] == row)
    columns = [at for at, head in enumerate(rows[0]) if browser in head]
    every = f", {TIMES.get(row)} of {TIMES.get(row)}"
    return cells[columns[0]].removesuffix(every), cells[columns[1]].removesuffix(every)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("chromium", "H.264"),
        ("chromium", "data only"),
        ("chromium", "tab killed"),
        ("firefox", "Python offers (it came later)"),
        ("firefox", "page reloaded"),
        ("firefox", "tab closed"),
        ("chromium", "another page, and back"),
        ("chromium", "unpublished, published"),
    ],
)
async def test_a_row_comes_out_as_it_is_written(
    name: str, row: str, join: Join, browser: OpenBrowser, spawn: Spawn, journal: Journal
) -> None:
    assert await ROWS[row](Scene(name, join, browser, spawn, journal)) == written(name, row)


def test_what_came_of_many_plays_is_counted_and_of_one_is_said() -> None:
    assert counted([("picture", "")]) == ("picture", "")
    assert counted([("", "left"), ("", "lost"), ("", "left")]) == ("", "left, 2 of 3; lost, 1 of 3")
    assert table({"chromium": {"VP8": ("a|b", "c")}}).splitlines()[-1] == "| VP8 | a/b | c |"


def test_the_page_has_every_row() -> None:
    for browser in ("chromium", "firefox"):
        for row in ROWS:
            assert "fails" not in " ".join(written(browser, row))
