"""What has to be kept of a room so that another process can go on with it: plain records, and the way back. A core.

Times are wall times here, because the clock of another process begins elsewhere. Whoever is in a record was in the
room; in the room that is made of it everybody is unreachable, silently and with the whole grace from then on: who is
still there comes back, and nobody else has noticed anything.
"""

import msgspec

from signaling.calls import RoomSettings
from signaling.config import SignalingConfig
from signaling.janus.hosting import VideoRoom
from signaling.members import Loss, Member
from signaling.messages import Extra, Muted, RoomEvent
from signaling.reasons import Detection
from signaling.room import Room
from signaling.tokens import Admission


class MemberRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One session in a room. It holds the session's secret: keep it where only servers can read."""

    session: str
    secret: str
    user: str
    admission: Admission
    since: float
    extra: Extra = {}
    last_seen: float | None = None  # of who is unreachable; None: is here
    turn: int = 0  # how often it has gone on with another socket, in a cluster
    knows_until: int | None = None  # see `Member`
    muted: list[Muted] = []  # what it is to hear on coming back


class RoomRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One room: its members in the order in which they came, and what was told last."""

    name: str
    seq: int
    members: list[MemberRecord] = []
    events: list[RoomEvent] = []  # the latest, which a resume can be told of
    closes_at: float | None = None
    alone_until: float | None = None  # when it is dismissed because one was left alone
    settings: RoomSettings | None = None
    is_kept: bool = False  # although nobody is in
    video_room: VideoRoom | None = None


def member_record(member: Member, *, now: float, wall: float) -> MemberRecord:
    """Write down one member."""
    return MemberRecord(
        session=member.session,
        secret=member.secret,
        user=member.user,
        admission=member.admission,
        since=member.since,
        extra=member.extra,
        last_seen=None if member.loss is None else wall - now + member.loss.last_seen,
        turn=member.turn,
        knows_until=member.knows_until,
        muted=list(member.muted.values()),
    )


def room_record(room: Room, *, now: float, wall: float, events: bool = True) -> RoomRecord:
    """Write down a room; without `events` a resume is told of the roster alone."""
    return RoomRecord(
        name=room.name,
        seq=room.seq,
        members=[member_record(member, now=now, wall=wall) for member in room.members],
        events=list(room.events) if events else [],
        closes_at=None if room.closes_at is None else wall - now + room.closes_at,
        alone_until=None if room.alone_until is None else wall - now + room.alone_until,
        settings=room.settings,
        is_kept=room.is_kept,
        video_room=room.video_room,
    )


def member_of(record: MemberRecord, settings: RoomSettings, *, now: float, wall: float) -> Member:
    """Return the member of a record, unreachable from now on."""
    last_seen = now if record.last_seen is None else now - wall + record.last_seen
    member = Member(
        session=record.session,
        secret=record.secret,
        user=record.user,
        extra=record.extra,
        admission=record.admission,
        since=record.since,
        expires=None,
        loss=Loss(last_seen, Detection.SOCKET_CLOSED, until=now + settings.grace),
        turn=record.turn,
        knows_until=record.knows_until,
        muted={muted.kind: muted for muted in record.muted},
    )
    member.admit(record.admission, now=now, wall=wall)
    return member


def room_of(record: RoomRecord, config: SignalingConfig, *, now: float, wall: float) -> Room:
    """Return the room of a record, with everybody unreachable from now on."""
    room = Room(record.name, config, record.settings)
    room.video_room = record.video_room
    room.restore(
        seq=record.seq,
        members=[member_of(member, room.settings, now=now, wall=wall) for member in record.members],
        events=record.events,
        closes_at=None if record.closes_at is None else now - wall + record.closes_at,
        alone_until=None if record.alone_until is None else now - wall + record.alone_until,
        is_kept=record.is_kept,
    )
    return room
