"""The plugin in a stranger's pytest: in both modes of pytest-asyncio, and what a test is told that runs on no loop."""

import os
import subprocess
import sys
from pathlib import Path

LIMIT = 180.0  # seconds
TESTS = """
import pytest

@pytest.mark.asyncio
async def test_marked(no_leaks, join):
    assert (await join("ana")).is_inside

class TestOfAClass:
    @pytest.mark.asyncio
    async def test_method(self, join):
        assert (await join("ana")).is_inside

async def test_unmarked(no_leaks, join):
    assert (await join("ana")).is_inside

@pytest.mark.asyncio(loop_scope="session")
async def test_elsewhere(join):
    await join("ana")

def test_plain(join):
    join("ana")

def test_plain_with_a_journal(journal):
    assert journal.entries == []
"""


def outcomes(folder: Path, mode: str, **options: str) -> str:
    """Run these tests in a process of their own; return what pytest says of them."""
    (folder / "test_strange.py").write_text(TESTS)
    settings = {"asyncio_mode": mode, **options}
    (folder / "pytest.ini").write_text("\n".join(["[pytest]", *(f"{name} = {it}" for name, it in settings.items())]))
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-p", "peer.testing.plugin"]
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, "test_strange.py"], cwd=folder, env=surroundings, timeout=LIMIT, capture_output=True, text=True
    )
    return done.stdout


def test_in_strict_mode_what_is_marked_runs_and_what_is_not_is_told_what_to_do(tmp_path: Path) -> None:
    said = outcomes(tmp_path, "strict")
    for name in ("test_marked", "TestOfAClass::test_method", "test_plain_with_a_journal"):
        assert f"PASSED test_strange.py::{name}" in said
    assert "test_unmarked is run on no event loop: mark it with @pytest.mark.asyncio" in said
    assert "test_plain is a plain function" in said
    assert "write `async def test_plain(...)`" in said
    assert "the test runs on another event loop than its fixtures" in said


def test_in_auto_mode_a_mark_is_not_needed_and_all_loops_may_be_of_another_scope(tmp_path: Path) -> None:
    scopes = {f"asyncio_default_{what}_loop_scope": "session" for what in ("fixture", "test")}
    said = outcomes(tmp_path, "auto", **scopes)
    for name in ("test_marked", "TestOfAClass::test_method", "test_unmarked", "test_elsewhere"):
        assert f"PASSED test_strange.py::{name}" in said
    assert "test_plain is a plain function" in said
