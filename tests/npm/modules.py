"""Software for Node that tests run against, as `package-lock.json` names it: `python -m tests.npm.modules` fetches it.

It is fetched before the tests, once, as they run in a network of their own. The lock names no addresses, so that any
registry will do: each package is known by its hash.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FOLDER = Path.home() / ".cache" / "exeunt-tests"
MODULES = FOLDER / "node_modules"
LOCK = "package-lock.json"
INSTALL_LIMIT = 240.0  # seconds


def install() -> int:
    """Fetch what is missing; return the exit code of npm."""
    if is_installed():
        return 0
    if shutil.which("npm") is None:
        print("tests.npm: npm is not installed (on Debian: apt install npm); some tests will be skipped")
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", LOCK):
        shutil.copy(HERE / name, FOLDER / name)
    command = ["npm", "ci", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
    return subprocess.run(command, timeout=INSTALL_LIMIT, check=False).returncode


def is_installed() -> bool:
    """Whether what is there is what the lock names."""
    copy = FOLDER / LOCK
    return MODULES.is_dir() and copy.exists() and copy.read_bytes() == (HERE / LOCK).read_bytes()


def need_modules() -> Path:
    """Return the folder of packages. Without it the test is skipped, or fails in CI."""
    if is_installed():
        return MODULES
    text = "packages for Node are missing: python -m tests.npm.modules"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


if __name__ == "__main__":
    sys.exit(install())
