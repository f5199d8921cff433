"""Every branch of every core is taken by the core's own tests: plain functions, without a loop or a socket."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT = 300.0  # seconds
TESTS = (
    *(
        "messages",
        "reasons",
        "config",
        "tokens",
        "deadlines",
        "room",
        "room_talk",
        "lobby",
        "lobby_model",
        "partings",
        "bans",
        "farewell",
    ),
    *("exit", "notice", "channel", "farewell", "silence", "lost", "roster", "negotiation", "checks"),
    *("arguments", "slots"),
    *("pace", "h264", "quiet"),
    *("entry", "stays", "explain"),
    *("packetize", "burst", "codecs", "keyframes", "estimates", "tiers"),
)


def core_modules() -> list[str]:
    """Return the modules that the import contract calls cores."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (cores,) = [contract for contract in contracts if contract["name"].startswith("cores")]
    return list(cores["source_modules"])


def test_the_cores_are_covered_by_their_own_tests(tmp_path: Path) -> None:
    names = {f"test_{name}.py" for name in TESTS}
    files = sorted(str(path) for path in (ROOT / "tests").rglob("test_*.py") if path.name in names)
    assert len(files) >= len(TESTS)
    surroundings = {**os.environ, "COVERAGE_FILE": str(tmp_path / "coverage")}

    def coverage(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "coverage", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=surroundings, timeout=LIMIT, capture_output=True, text=True, check=False
        )

    run = coverage("run", "--branch", "-m", "pytest", "-p", "no:cacheprovider", *files)
    assert run.returncode == 0, run.stdout
    include = ",".join(f"{module.replace('.', '/')}.py" for module in core_modules())
    report = coverage("report", "--show-missing", "--fail-under=100", f"--include={include}")
    assert report.returncode == 0, report.stdout
