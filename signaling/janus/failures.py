"""What can go wrong with Janus. A core.

JanusFailure
├── JanusRefused        Janus, or its plugin, said no
├── JanusUnreachable    it does not answer
└── SessionOver         it knows our session no more
"""

from enum import IntEnum


class Code(IntEnum):
    """What Janus and its VideoRoom refuse for: the codes that we act on."""

    NO_SUCH_ROOM = 426
    ROOM_EXISTS = 427
    NO_SUCH_FEED = 428
    UNAUTHORIZED = 433
    ID_EXISTS = 436
    NO_SUCH_SESSION = 458


class JanusFailure(Exception):
    """Janus does not do what it was asked for."""


class JanusRefused(JanusFailure):
    """Janus, or its plugin, said no: `code` is one of `Code`, or another number of theirs."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"Janus refuses: {text} ({code})")
        self.code = code


class JanusUnreachable(JanusFailure):
    """Janus does not answer, or the connection to it was lost before it did."""


class SessionOver(JanusFailure):
    """The session is over: it was destroyed, forgotten, or never begun."""
