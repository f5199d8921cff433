"""What members say to each other in a room, what moderators ask for, and what programs say from outside. A core.

Whether somebody may say it is looked at before: see `grants.py`.
"""

import msgspec

from signaling.calls import Refusal
from signaling.effects import Ban, Effect, Send, complain, send
from signaling.grants import objection
from signaling.members import MAX_DEPTH, Member, can_be_said, fits
from signaling.messages import (
    MAX_CONTENT,
    Ack,
    Answer,
    Candidate,
    Dismiss,
    ErrorCode,
    Extra,
    Join,
    Kick,
    Leave,
    MediaKind,
    Mute,
    Muted,
    NeedOffer,
    Offer,
    Relay,
    RemoteUserUpdate,
    Said,
    Say,
    UpdateExtra,
)
from signaling.reasons import Detection, Reason
from signaling.room import TOO_LARGE, Room

InsideMessage = Join | Leave | Ack | Offer | Answer | Candidate | NeedOffer | UpdateExtra | Kick | Dismiss | Say | Mute


def hear(room: Room, session: str, message: InsideMessage, *, now: float) -> list[Effect]:
    """Decide what follows from what somebody in the room said."""
    if problem := objection(message, room.member(session).admission.grants):
        return complain(session, ErrorCode.NOT_ALLOWED, problem, message)
    match message:
        case Join():
            return complain(session, ErrorCode.WRONG_STATE, f"this session is in {room.name} already", message)
        case Leave():
            return room.leave(session, message, now=now)
        case Offer() | Answer() | Candidate() | NeedOffer():
            return _relay(room, session, message)
        case Ack():
            return room.acknowledge(session, message)
        case UpdateExtra():
            return _update(room, session, message)
        case Say():
            return _say(room, session, message)
        case Kick():
            return _kick(room, session, message, now)
        case Mute():
            return _mute(room, session, message)
        case Dismiss(text=text, wait=wait):  # pragma: no branch - mypy checks that nothing is left
            return room.dismiss(text, now=now, by=session) if wait else room.close(Reason.DISMISSED, text)


# -- said by members --


def _relay(room: Room, session: str, message: Relay) -> list[Effect]:
    """Pass something on to the user named, who then reads the sender's name in its place."""
    addressee = room.holder(message.user)
    if addressee is None:
        return _nobody(session, message)
    if not addressee.is_here:
        return []  # it would be stale when they are back: the peers then offer anew
    if room.settings.topology != "mesh":
        return complain(session, ErrorCode.NOT_ALLOWED, _NO_MESH, message)
    return [Send((addressee.session,), msgspec.structs.replace(message, user=room.member(session).user))]


def _update(room: Room, session: str, message: UpdateExtra) -> list[Effect]:
    """Replace what the application wants the others to know of a user. What they know already is not told again."""
    if not fits(message.extra):
        return complain(session, ErrorCode.TOO_LARGE, TOO_LARGE, message)
    member = room.member(session)
    return [] if message.extra == member.extra else _replace_extra(room, member, message.extra)


def _replace_extra(room: Room, member: Member, extra: Extra) -> list[Effect]:
    member.extra = extra
    event = RemoteUserUpdate(user=member.user, session=member.session, seq=room.next_seq(), extra=extra)
    return room.tell(event)


def _say(room: Room, session: str, message: Say) -> list[Effect]:
    """Pass words of the application on, to one or to all who can be reached."""
    if not can_be_said(message.data):
        return complain(session, ErrorCode.TOO_LARGE, TOO_MUCH, message)
    said = Said(user=room.member(session).user, topic=message.topic, data=message.data)
    if message.to is None:
        return send(room.others(session), said)
    addressee = room.holder(message.to)
    if addressee is None:
        return complain(session, ErrorCode.NO_SUCH_USER, f"{message.to} is not in the room", message)
    return [Send((addressee.session,), said)] if addressee.is_here else []


def _kick(room: Room, session: str, message: Kick, now: float) -> list[Effect]:
    """Remove a user because a moderator says so."""
    member = room.holder(message.user)
    if member is None:
        return _nobody(session, message)
    removed = room.remove(member.session, Reason.KICKED, Detection.ADMIN, now=now, text=message.text)
    return [*_ban(room, member, message.ban_for, now), *removed]


def _mute(room: Room, session: str, message: Mute) -> list[Effect]:
    """Have a user send nothing of a kind because a moderator says so; who is told that it was passed on."""
    member = room.holder(message.user)
    if member is None:
        return _nobody(session, message)
    muted = Muted(kind=message.kind, seq=room.next_seq(), wants_ack=True)
    return [*_tell_muted(member, muted), Send((session,), Muted(kind=message.kind, user=message.user))]


def _tell_muted(member: Member, muted: Muted) -> list[Effect]:
    """Tell a user to send nothing of a kind; who cannot be reached hears it on coming back."""
    member.muted[muted.kind] = muted
    return [Send((member.session,), muted)] if member.is_here else []


def _nobody(session: str, message: Relay | Kick | Mute) -> list[Effect]:
    return complain(session, ErrorCode.NO_SUCH_USER, f"{message.user} is not in the room", message)


def _ban(room: Room, member: Member, seconds: float | None, now: float) -> list[Effect]:
    if seconds is None:
        return []
    return [Ban(room.name, member.user, member.admission.digest, until=now + seconds)]


# -- asked by programs that are in no room; no effects: there is no such user --


def expel(room: Room, user: str, text: str | None, *, now: float, ban_for: float | None = None) -> list[Effect]:
    """Remove a user; with `ban_for`, keep the name and the token out for that many seconds."""
    member = room.holder(user)
    return [] if member is None else [*_ban(room, member, ban_for, now), *room.expel(member, text, now=now)]


def silence(room: Room, user: str, kind: MediaKind, text: str | None, *, now: float) -> list[Effect]:
    """Have a user send nothing of a kind; who cannot be reached hears it on coming back."""
    member = room.holder(user)
    if member is None:
        return []
    muted = Muted(kind=kind, text=text, seq=room.next_seq(), wants_ack=True)
    return [*_tell_muted(member, muted), *room.ask(muted.seq, [member], now=now)]


def announce(room: Room, topic: str, data: object, to: str | None, *, now: float) -> list[Effect]:
    """Say something to everybody or to one. Raises `Refusal` if it is too large."""
    if not can_be_said(data):
        raise Refusal(ErrorCode.TOO_LARGE, TOO_MUCH)
    addressees = room.members if to is None else tuple(filter(None, [room.holder(to)]))
    if to is not None and not addressees:
        return []
    said = send((member.session for member in addressees if member.is_here), Said(topic=topic, data=data))
    return [*said, *room.ask(room.next_seq(), (), addressees, now=now)]


def describe(room: Room, user: str, extra: Extra, *, now: float) -> list[Effect]:
    """Replace what the others know of a user, and tell that user as well. Raises `Refusal` if it is too large."""
    if not fits(extra):
        raise Refusal(ErrorCode.TOO_LARGE, TOO_LARGE)
    member = room.holder(user)
    if member is None:
        return []
    own = [Send((member.session,), UpdateExtra(extra=extra))] if member.is_here else []
    return [*own, *_replace_extra(room, member, extra), *room.ask(room.next_seq(), (), room.members, now=now)]


_NO_MESH = "the media of this room pass through a Janus server: there are no calls between users"
TOO_MUCH = f"data is at most {MAX_CONTENT} bytes as JSON and {MAX_DEPTH} levels deep"
