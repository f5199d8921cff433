"""A cable of its own between a leaver and the rest of the world, which can be cut for real: packets vanish.

The leaver lives in a network namespace of its own, joined to ours by a pair of interfaces. To cut it, each side gets a
wrong hardware address for the other: what is sent is dropped on arrival, and nobody is told, as with a cable.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.devices.tools import need

OURS, THEIRS = "10.78.0.1", "10.78.0.2"
NOBODY = "02:00:00:00:00:99"
LIMIT = 10.0  # seconds for one command


def isolated() -> tuple[str, ...]:
    """Return what starts a program in a network namespace of its own."""
    need("nsenter", "util-linux")
    need("ip", "iproute2")
    return (need("unshare", "util-linux"), "--net")


class Wire:
    """The cable of a running process; `OURS` is our end's address."""

    def __init__(self, pid: int) -> None:
        self._inside = ("nsenter", "-t", str(pid), "-n")

    def cut(self) -> None:
        """Let everything get lost, in both directions."""
        _ip(f"neigh replace {THEIRS} lladdr {NOBODY} dev cut0 nud permanent")
        _ip(f"neigh replace {OURS} lladdr {NOBODY} dev cut1 nud permanent", *self._inside)

    def heal(self) -> None:
        """Let everything pass again."""
        _ip(f"neigh del {THEIRS} dev cut0")
        _ip(f"neigh del {OURS} dev cut1", *self._inside)


@contextmanager
def laid(pid: int) -> Iterator[Wire]:
    """Join the namespace of a process to ours."""
    inside = ("nsenter", "-t", str(pid), "-n")
    try:
        _ip(f"link add cut0 type veth peer name cut1 netns {pid}")
    except subprocess.CalledProcessError as error:
        if os.environ.get("CI") or os.geteuid() == 0:
            raise
        pytest.skip(f"no interfaces can be made here: {error.stderr}")
    try:
        _ip(f"addr add {OURS}/24 dev cut0")
        _ip("link set cut0 up")
        for command in ("link set lo up", f"addr add {THEIRS}/24 dev cut1", "link set cut1 up"):
            _ip(command, *inside)
        yield Wire(pid)
    finally:
        with suppress(subprocess.CalledProcessError):  # it goes with the process, some time after it
            _ip("link del cut0")


def _ip(command: str, *inside: str) -> None:
    subprocess.run([*inside, "ip", *command.split()], check=True, capture_output=True, text=True, timeout=LIMIT)
