"""What a server that ends leaves to the one that is started next: the rooms, the bans, the last words unheard. A core.

Whoever was here is unreachable there, with the whole grace to come back; see `snapshot.py`.
"""

import msgspec

from signaling.bans import BanRecord
from signaling.effects import Unheard
from signaling.lobby import Lobby
from signaling.snapshot import RoomRecord

VERSION = 1  # of the form; another one is not read


class Estate(msgspec.Struct, frozen=True, kw_only=True):
    """All that a lobby knows. It holds the sessions' secrets: keep it where only servers can read."""

    version: int = VERSION
    wall: float  # when it was written down, in seconds since 1970
    rooms: list[RoomRecord]
    bans: list[BanRecord]
    unheard: list[Unheard]


class BadEstate(Exception):
    """What cannot be gone on with, and why."""


def write_down(lobby: Lobby, *, now: float, wall: float) -> bytes:
    """Return a lobby as text."""
    estate = Estate(
        wall=wall,
        rooms=lobby.records(now=now, wall=wall),
        bans=lobby.bans.records(now=now, wall=wall),
        unheard=list(lobby.unheard),
    )
    return msgspec.json.encode(estate)


def read(text: bytes, grace: float, *, wall: float) -> Estate:
    """Return what was written down. Raises `BadEstate` if that is damaged, or so old that nobody comes back."""
    try:
        estate = msgspec.json.decode(text, type=Estate)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadEstate(f"it is damaged: {error}") from None
    if estate.version != VERSION:
        raise BadEstate(f"it was written by another version of the server ({estate.version}, not {VERSION})")
    age = wall - estate.wall
    longest = max([grace, *(room.settings.grace for room in estate.rooms if room.settings is not None)])
    if not abs(age) <= longest:
        raise BadEstate(f"it is {age:.1f} s old, and nobody waits for more than the grace of {longest:g} s")
    return estate


def go_on_with(lobby: Lobby, estate: Estate, *, now: float, wall: float) -> list[tuple[str, str, str]]:
    """Let an empty lobby go on; return (session, room, user) of everybody who was here."""
    for ban in estate.bans:
        lobby.bans.restore(ban, now=now, wall=wall)
    for last in estate.unheard:
        lobby.remember(last)
    rooms = [lobby.restore(record, now=now, wall=wall) for record in estate.rooms]
    return [(member.session, room.name, member.user) for room in rooms for member in room.members]
