"""What one Janus may be asked for, of one VideoRoom. A core."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Create:
    """Have a VideoRoom, for these sessions, and look who is in from then on, as by `Watch`."""

    number: int
    sessions: tuple[str, ...]
    places: int  # how many may publish at one time


@dataclass(frozen=True, slots=True)
class Check:
    """See whether a VideoRoom is there still; if so, let in these sessions, and remove whoever else is in.

    Look who is in from then on, as by `Watch`.
    """

    number: int
    sessions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Allow:
    """Let these sessions in, too."""

    number: int
    sessions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remove:
    """Let these sessions in no more, and remove them if they are in."""

    number: int
    sessions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Watch:
    """Say who is in and who publishes, now and from now on: these sessions may not publish."""

    number: int
    sessions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Expel:
    """Remove these participants, who publish and may not, or are not whose id they have.

    They are let in again: they may be here, as who they are.
    """

    number: int
    participants: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Destroy:
    """Have a VideoRoom no more."""

    number: int


Order = Create | Check | Allow | Remove | Watch | Expel | Destroy
