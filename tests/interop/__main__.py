"""Play the whole matrix and write its table into docs/interop.md: `make interop`, or `ARGS="firefox --rows reload"`."""

import argparse
import asyncio
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from peer.testing.browser import find
from peer.testing.page import BROWSERS, kind_of
from tests import network
from tests.interop.rows import ROWS
from tests.interop.scene import scene
from tests.interop.table import TIMES, Cells, counted, table

PAGE = Path(__file__).parents[2] / "docs" / "interop.md"
BEGIN, END = "<!-- made by `make interop` -->", "<!-- end -->"
ROW_LIMIT = 120.0  # seconds
VERSION_LIMIT = 30.0  # seconds


async def play(browser: str, row: str) -> Cells:
    """Play one row; a failure is a cell, too."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            async with asyncio.timeout(ROW_LIMIT), scene(browser, Path(folder)) as stage:
                return await ROWS[row](stage)
        except Exception as error:  # the table tells it, whatever it is
            text = f"**fails**: {(str(error) or type(error).__name__).splitlines()[0]}"
            return text, text


def version(browser: str) -> str:
    """Return what a browser says that it is."""
    command = [find(kind_of(browser)), "--version"]
    return subprocess.run(command, capture_output=True, text=True, timeout=VERSION_LIMIT, check=True).stdout.strip()


def main() -> None:
    """Play, print, and write the page if all of it was played."""
    parser = argparse.ArgumentParser(prog="make interop", description=__doc__)
    parser.add_argument("browsers", nargs="*", help=f"by default all: {', '.join(BROWSERS)}")
    parser.add_argument("--rows", default="", help="only rows whose name has this in it; nothing is written then")
    asked = parser.parse_args()
    network.enter()
    browsers = asked.browsers or list(BROWSERS)
    if unknown := set(browsers) - set(BROWSERS):
        parser.error(f"no such browser: {', '.join(unknown)}")
    results: dict[str, dict[str, Cells]] = {name: {} for name in browsers}
    for name in browsers:
        for row in (row for row in ROWS if asked.rows in row):
            began = time.monotonic()
            results[name][row] = counted([asyncio.run(play(name, row)) for _ in range(TIMES.get(row, 1))])
            print(f"{name}: {row}: {' / '.join(results[name][row])} ({time.monotonic() - began:.1f} s)", flush=True)
    if not asked.rows and len(browsers) == len(BROWSERS):
        said = f"On {datetime.now(UTC):%Y-%m-%d}, with {' and '.join(map(version, browsers))}."
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{said}\n\n{table(results)}\n\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
