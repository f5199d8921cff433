"""`docs/kiosk.md` and the files in `examples/kiosk` say what the code does."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from peer.cli.app import app
from peer.cli.enduring import names_of
from peer.cli.flow import FRESH
from peer.cli.patience import LONGEST, SHORTEST
from peer.cli.settings import read_settings
from peer.exit import LIMITS

ROOT = Path(__file__).parents[1]
DOC = (ROOT / "docs" / "kiosk.md").read_text()
FOLDER = ROOT / "examples" / "kiosk"
UNIT = (FOLDER / "exeunt-kiosk.service").read_text()
OPTIONS = names_of(typer.main.get_command(app).commands["publish"])


def words(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def column(header: str) -> list[str]:
    """Return the first cells of the table that begins with this header."""
    rows = DOC.partition(f"\n| {header} |")[2].splitlines()[2:]
    cells = [row.split("|")[1] for row in rows[: next(n for n, row in enumerate(rows) if not row.startswith("|"))]]
    assert cells, f"there is no table {header!r}"
    return cells


def test_every_option_of_publish_is_explained_as_a_line_of_the_file_and_no_other() -> None:
    assert sorted(word for cell in column("name") for word in words(cell)) == sorted(OPTIONS)


def test_the_example_is_a_file_that_publish_takes() -> None:
    text = (FOLDER / "kiosk.toml").read_text()
    assert set(read_settings(text, OPTIONS, where="kiosk.toml")) >= {"url", "room", "user", "camera", "microphone"}
    assert str(tomllib.loads(text)["camera"]) in DOC


def test_the_times_on_the_page_are_those_of_the_code() -> None:
    assert f"after {SHORTEST:g} s, {2 * SHORTEST:g} s, {4 * SHORTEST:g} s, ... {LONGEST:g} s" in DOC
    assert f"a frame within the last\n{FRESH:g} s" in DOC or f"a frame within the last {FRESH:g} s" in DOC


def test_every_word_to_the_supervisor_is_explained() -> None:
    said = re.findall(r"say\((.*?)\)$", (ROOT / "peer/cli/kiosk.py").read_text(), re.MULTILINE)
    names = {name for call in said for name in re.findall(r"([A-Z]+)=", call)}
    assert {word.partition("=")[0] for cell in column("word") for word in words(cell)} == names


def test_the_unit_starts_what_exists_and_gives_the_exit_its_time() -> None:
    (start,) = re.findall(r"^ExecStart=/opt/exeunt/bin/exeunt (.*)$", UNIT, re.MULTILINE)
    assert start == "publish --config /etc/exeunt/kiosk.toml"
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert int(stop) > sum(LIMITS.values())
    assert {"Type=notify", "Restart=always", "WatchdogSec=60", "RestartPreventExitStatus=2"} <= set(UNIT.splitlines())


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "exeunt-kiosk.service"
    unit.write_text(UNIT.replace("/opt/exeunt/bin/exeunt", sys.executable))
    run = subprocess.run(
        [analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
