"""What the journal says of a call to the API: who asked for what, from where, and what came of it. A core."""

import msgspec

from signaling.admin.operations import Call, Operation
from signaling.admin.wire import KickBody, Kicked, MessageBody, MoveBody, Reached
from signaling.entry import Facts


def asked(operation: Operation, call: Call, body: msgspec.Struct | None) -> Facts:
    """Return what was asked, and of whom."""
    facts: Facts = {"via": "api", "call": operation.name, "room": call.room, "user": call.user or _user(body)}
    if isinstance(body, MoveBody):
        facts["to"] = body.to
    if (text := getattr(body, "text", None)) is not None:
        facts["text"] = text
    return facts


def outcome(answer: msgspec.Struct) -> Facts:
    """Return what came of it: how many were told, and who did not acknowledge it."""
    parts = answer.kicked if isinstance(answer, Kicked) else [answer] if isinstance(answer, Reached) else []
    told = {user for part in parts for user in part.told}
    silent = {user for part in parts for user in part.unacknowledged}
    return {"told": len(told), "unacknowledged": tuple(sorted(silent))} if parts else {}


def _user(body: msgspec.Struct | None) -> str | None:
    """Return the one user whom a body names."""
    match body:
        case KickBody(user=str(user)) | MessageBody(to=str(user)):
            return user
        case KickBody(user=[user]):
            return user
        case _:
            return None
