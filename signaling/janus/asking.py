"""Asks the VideoRoom plugin something that has an answer of its own form."""

from typing import TypeVar

import msgspec

from signaling.janus.failures import JanusUnreachable
from signaling.janus.session import Handle
from signaling.janus.videoroom import Ask

AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)


async def ask(handle: Handle, body: Ask, kind: type[AnswerT]) -> AnswerT:
    """Return what the plugin answers. Raises `JanusFailure`, also if that is of another form."""
    answer = await handle.ask(body)
    try:
        return msgspec.json.decode(answer.data, type=kind)
    except msgspec.DecodeError as error:
        raise JanusUnreachable(f"Janus answers what we do not understand: {error}") from None
