"""Rooms: who is in, who is told, and who may.

What is re-exported here is loaded when it is first asked for, so that whoever needs only the words
(`signaling.messages`, `signaling.reasons`) does not load a web server.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signaling.admin.client import AdminClient, AdminError
    from signaling.config import Duplicate, SignalingConfig
    from signaling.messages import ErrorCode, IceServer
    from signaling.reasons import Reason
    from signaling.server import SignalingServer

__all__ = [
    "AdminClient",
    "AdminError",
    "Duplicate",
    "ErrorCode",
    "IceServer",
    "Reason",
    "SignalingConfig",
    "SignalingServer",
]

_HOMES = {
    "AdminClient": "signaling.admin.client",
    "AdminError": "signaling.admin.client",
    "Duplicate": "signaling.config",
    "ErrorCode": "signaling.messages",
    "IceServer": "signaling.messages",
    "Reason": "signaling.reasons",
    "SignalingConfig": "signaling.config",
    "SignalingServer": "signaling.server",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
