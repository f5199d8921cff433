"""What nodes know of a room that they do not run, and which of it counts if nothing is written in Redis. A core.

Every node that has clients in a room has a copy of what is written of it, and hears of each change in the same step in
which that is written and the clients are told. So of two nodes, the one with the later copy knows all that the clients
of the other were told: it is the room as it was last. Each owner counts its events on from its epoch, so that the
numbers of all owners are one order.
"""

from collections.abc import Iterable, Mapping

import msgspec

from signaling.cluster.acts import Clock
from signaling.cluster.ownership import Place
from signaling.cluster.wire import Copied, Copy, Sync
from signaling.room import Room
from signaling.snapshot import MemberRecord, RoomRecord, member_record

_members = msgspec.json.Decoder(MemberRecord)
_rooms = msgspec.json.Decoder(RoomRecord)
_encoder = msgspec.json.Encoder()


def encode_record(record: MemberRecord) -> bytes:
    """Return the text of a record, as it is written down."""
    return _encoder.encode(record)


def encode_members(room: Room, clock: Clock) -> dict[str, bytes]:
    """Return the texts of all members of a room, by session."""
    records = (member_record(member, now=clock.now, wall=clock.wall) for member in room.members)
    return {record.session: encode_record(record) for record in records}


def encode_about(room: Room, clock: Clock) -> bytes:
    """Return the text of a room without its members."""
    closes_at = None if room.closes_at is None else round(clock.wall - clock.now + room.closes_at, 1)
    about = RoomRecord(
        name=room.name,
        seq=0,
        settings=room.settings,
        is_kept=room.is_kept,
        closes_at=closes_at,
        video_room=room.video_room,
    )
    return _encoder.encode(about)


def decode_record(text: bytes) -> MemberRecord:
    """Return the record that is written so."""
    return _members.decode(text)


def decode_room(name: str, seq: int, records: Mapping[str, bytes], about: bytes | None) -> RoomRecord:
    """Return a room of which this is written."""
    members = sorted((decode_record(text) for text in records.values()), key=lambda one: one.since)
    room = RoomRecord(name=name, seq=0) if about is None else _rooms.decode(about)
    return msgspec.structs.replace(room, seq=seq, members=members)


def copy_of(room: Room, clock: Clock) -> Copy:
    """Return a copy of a room that is run here."""
    return Copy(room.seq, encode_members(room, clock), encode_about(room, clock))


def copied(place: Place, frame: Copied) -> None:
    """Keep a copy up to date."""
    if frame.is_whole:
        place.copy = Copy(frame.seq, dict(frame.put), frame.about)
    elif place.copy is not None:
        records = place.copy.records
        records.update(frame.put)
        for session in frame.cut:
            records.pop(session, None)
        place.copy = Copy(frame.seq, records, frame.about or place.copy.about)


def latest(syncs: Iterable[Sync]) -> Copy | None:
    """Return the copy that counts, `None` if nobody has one."""
    copies = (sync.copy for sync in syncs if sync.copy is not None)
    return max(copies, key=lambda copy: copy.seq, default=None)
