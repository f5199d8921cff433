"""Members whom a room has taken over from another owner: who is found, who is missing, who was cut off. A core."""

from dataclasses import replace

from signaling.effects import Adopt, Effect, Send
from signaling.members import Loss, Member
from signaling.messages import ExitRoom, Join, RemoteUserUnreachable, Resume
from signaling.reasons import Detection, Reason
from signaling.room import Room

TOO_LATE = ExitRoom(reason=Reason.NETWORK_LOST, text="the server was cut off from the others for too long")


def find(room: Room, session: str) -> Member | None:
    """Return the member of a session."""
    return next((member for member in room.members if member.session == session), None)


def found(room: Room, member: Member) -> None:
    """A member is here, as everybody believes: nobody is told."""
    member.loss = member.knows_until = None
    room.put_back(member)


def part(room: Room, seq: int) -> None:
    """Note who was not found and so may have been told, later than as `seq`, what this room does not know."""
    for member in room.members:
        if member.loss is not None:
            member.knows_until = seq if member.knows_until is None else min(seq, member.knows_until)


def missing(room: Room, told: set[str]) -> list[Effect]:
    """Tell everybody who is here of those who are not; of those in `told` they know."""
    lost = [member for member in room.members if member.loss is not None and member.session not in told]
    events = [RemoteUserUnreachable(user=one.user, session=one.session, seq=room.next_seq()) for one in lost]
    return [effect for event in events for effect in room.tell(event)]


def welcome(room: Room, member: Member, seq: int, *, now: float, wall: float) -> list[Effect]:
    """A member whose socket never ended is reached again: tell it what it missed, and the others that it is back."""
    resume = Resume(session=member.session, secret=member.secret, seq=seq)
    join = Join(room=room.name, user=member.user, resume=resume)
    effects = room.resume(member.session, join, resume, member.admission, now=now, wall=wall)
    return [effect for effect in effects if not isinstance(effect, Adopt)]


def corrected(room: Room, sessions: set[str] | None, *, now: float, wall: float) -> list[Effect]:
    """Tell those of `sessions` who are here (`None`: all): what they were told before may have been lost on its way."""
    here = [one for one in room.members if one.is_here and (sessions is None or one.session in sessions)]
    return [
        effect
        for member in here
        for effect in welcome(room, member, room.seq, now=now, wall=wall)
        if isinstance(effect, Send)
    ]


def doubt(room: Room, now: float, sessions: list[str]) -> set[str]:
    """Take these for unreachable until they are found; return who was so before."""
    known = {member.session for member in room.members if member.loss is not None}
    for member in room.members:
        if member.loss is None and member.session in sessions:
            member.loss = Loss(now, Detection.SOCKET_CLOSED, until=now + room.settings.grace)
            room.put_back(member)
    return known


def spare(room: Room, now: float) -> None:
    """Give those who are unreachable the whole grace again: for a while nobody could come back."""
    for member in room.members:
        if member.loss is not None:
            member.loss = replace(member.loss, until=now + room.settings.grace)
            room.put_back(member)
