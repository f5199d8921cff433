"""What is asked of rooms by programs that are in none: with which settings, what came of it, why it cannot be."""

import msgspec

from signaling.config import Duplicate, SignalingConfig, check_settings
from signaling.janus_words import Topology
from signaling.messages import ErrorCode


class RoomSettings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How one room is run. A value that cannot be raises `ValueError` and names the field."""

    name: str
    capacity: int  # users
    duplicate: Duplicate
    grace: float  # seconds
    max_age: float | None = None  # seconds from its creation or its first user; None: never dismissed for its age
    close_when_empty: bool = True  # once somebody was in; if not, it exists until it is dismissed
    solo_timeout: float | None = None  # seconds for which one may be alone after company; None: for ever
    topology: Topology = "mesh"  # how the media pass

    def __post_init__(self) -> None:
        check_settings(self)

    @classmethod
    def usual(cls, name: str, config: SignalingConfig) -> "RoomSettings":
        """Return those of a room that nobody created: what the server's configuration says."""
        return cls(
            name=name,
            capacity=config.capacity,
            duplicate=config.duplicate,
            grace=config.grace,
            max_age=config.max_age,
            solo_timeout=config.solo_timeout,
            topology=config.topology,
        )


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Who was told of what was asked, and who of all concerned did not acknowledge it in time, by name."""

    told: list[str]
    unacknowledged: list[str]


class Refusal(Exception):
    """What was asked cannot be: `code` for programs, a sentence for people."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
