"""The sample project, as a stranger has it: with exeunt from a wheel, in a virtual environment of its own."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "browser_interop"
LIMIT = 120.0  # seconds for any command
pytestmark = pytest.mark.e2e


def run(*command: str | Path, where: Path = ROOT) -> str:
    """Run a command without anything of ours in its environment; return what it printed."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(command, cwd=where, env=surroundings, timeout=LIMIT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the wheel of this checkout; the packages that it needs are those that the tests have."""
    folder = tmp_path_factory.mktemp("stranger")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist")
    (wheel,) = (folder / "dist").glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    own = folder / "venv" / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", own, "install", "--quiet", "--no-index", "--no-deps", wheel)
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return own


def test_it_passes_with_the_wheel_in_a_fresh_environment(python: Path, tmp_path: Path) -> None:
    project = shutil.copytree(SAMPLE, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    home = run(python, "-c", "import peer.testing, signaling; print(peer.testing.__file__)", where=project)
    assert home.startswith(str(python.parents[1]))
    printed = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", where=project)
    assert "2 passed" in printed
    strict = ("-o", "asyncio_mode=strict", "-k", "cut_line")
    assert "1 passed" in run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *strict, where=project)


def test_the_plugin_costs_nothing_where_it_is_not_used(python: Path, tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\ndef test_nothing():\n    assert not {'aiortc', 'av', 'aiohttp', 'numpy'} & set(sys.modules)\n"
    )
    # the plugins of others import what they like: ours alone
    arguments = ("-q", "-p", "no:cacheprovider", "-p", "peer.testing.plugin", "test_nothing.py")
    printed = run(
        python, "-c", f"{ALONE}; import pytest; raise SystemExit(pytest.main({list(arguments)}))", where=tmp_path
    )
    assert "1 passed" in printed


ALONE = "import os; os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'"
