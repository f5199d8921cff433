"""The testing kit: what `pip install exeunt[testing]` gives to the tests of other projects.

The fixtures (`plugin.py`) come by themselves with pytest: `signaling_server`, `join`, `browser`, `spawn`, `network`,
`journal`, `no_leaks`. What they give and what else a test imports is named here, and imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from peer.testing.devices import FakeCamera as FakeCamera, FakeMicrophone as FakeMicrophone
    from peer.testing.fixtures import (
        Join as Join,
        OpenBrowser as OpenBrowser,
        RunningServer as RunningServer,
        Spawn as Spawn,
    )
    from peer.testing.guest import Guest as Guest
    from peer.testing.journal import Journal as Journal, assert_exit_contract as assert_exit_contract
    from peer.testing.leaks import (
        held as held,
        tasks_left as tasks_left,
        wait_until_nothing_is_left as wait_until_nothing_is_left,
    )
    from peer.testing.line import Line as Line
    from peer.testing.network import Network as Network
    from peer.testing.page import Page as Page
    from peer.testing.path import Path as Path
    from peer.testing.program import PeerProcess as PeerProcess
    from peer.testing.wire import BrowserError as BrowserError

_HOMES = {
    "devices": "FakeCamera FakeMicrophone",
    "fixtures": "Join OpenBrowser RunningServer Spawn",
    "guest": "Guest",
    "journal": "Journal assert_exit_contract",
    "leaks": "held tasks_left wait_until_nothing_is_left",
    "line": "Line",
    "network": "Network",
    "page": "Page",
    "path": "Path",
    "program": "PeerProcess",
    "wire": "BrowserError",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'peer.testing' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"peer.testing.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
