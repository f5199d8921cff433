"""Every branch of every core is taken by the core's own tests: plain functions, without a loop or a socket.

What hypothesis draws is not the same each time: a branch that only such a test takes needs an `@example` that does.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT = 900.0  # seconds: 90 on a machine that does nothing else
TESTS = (
    *(
        "messages",
        "reasons",
        "config",
        "tokens",
        "deadlines",
        "room",
        "room_talk",
        "calls",
        "grants",
        "sdp",
        "keys",
        "lobby",
        "lobby_model",
        "acknowledgements",
        "bans",
        "snapshot",
        "station",
        "farewell",
    ),
    *("bundles", "bequest", "moving", "gone", "copies", "emptied"),
    *("custody", "running_rooms", "edge", "translate", "wire", "lives"),
    *("janus_words", "janus_checking", "janus_hosting", "janus_care", "janus_placing", "janus_survey"),
    *("janus_presence", "janus_returning"),
    *("webhook_queue", "signature", "turn_credentials", "handover", "lobby_counts"),
    *("field_errors", "changes", "openapi", "tally", "account", "departures"),
    *("framing", "rates", "addresses", "gate", "vigil", "lobby_limits", "load_figures"),
    *("exit", "notice", "channel", "farewell", "silence", "lost", "roster", "negotiation", "checks"),
    *("arguments", "slots"),
    *("letter", "window"),
    *("janus_protocol", "janus_videoroom", "feeds", "breaks", "doubts"),
    *("offers", "homes", "trickle", "life", "wording", "relayed_clock", "liveness"),
    *("links", "answers", "gathering", "rmc_room", "rmc_text"),
    *("rmc_wire", "rmc_sdp", "rmc_calls", "rmc_stay", "rmc_page"),
    *("settings", "patience", "flow", "quality", "rows"),
    *("pace", "h264", "quiet"),
    *("entry", "stays", "explain"),
    "contract",
    *("written_pace", "sound_timeline", "sound_mixing", "sound_waiting", "loudness"),
    *("depacketizing", "assembling", "ordering", "sender_clock", "media_flow", "reception"),
    *("reel", "timeline", "annexb", "containers", "grid"),
    *("packetize", "burst", "codecs", "keyframes", "estimates", "losses", "repeating", "tiers", "passing", "coded"),
)


def core_modules() -> list[str]:
    """Return the modules that the import contract calls cores."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (cores,) = [contract for contract in contracts if contract["name"].startswith("cores")]
    return list(cores["source_modules"])


def test_the_cores_are_covered_by_their_own_tests(tmp_path: Path) -> None:
    names = {f"test_{name}.py" for name in TESTS}
    files = sorted(str(path) for path in (ROOT / "tests").rglob("test_*.py") if path.name in names)
    assert names <= {Path(file).name for file in files}, "a core without a test of its name"
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
