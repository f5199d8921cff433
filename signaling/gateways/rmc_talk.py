"""What the application of a page says and is told, beside its own data channels. A core.

While no data channel is open, our clients say what they have to say to a page in numbered letters, through the server;
each is acknowledged, and taken once. A page says it to all at once, as an ordinary message.
"""

from typing import Any

import msgspec

from signaling.gateways.rmc_calls import Link
from signaling.gateways.rmc_effects import Effect, Emit, Tell
from signaling.messages import Extra, Said, Say

LETTERS = "exeunt"  # the topic of letters
USUAL = "message"  # the topic of what is said without one


class _Head(msgspec.Struct, frozen=True):
    topic: str
    number: int = 0
    form: str = "json"


class _Letter(msgspec.Struct, frozen=True, tag_field="type", tag="letter"):
    head: _Head
    text: str


def custom(event: str, topic: str, content: Any, user: str | None, extra: Extra) -> Emit:
    """Return a word of the application as an event; who said it comes as a second argument."""
    return Emit(event, (content, {"userid": user, "extra": extra, "topic": topic}))


def hear_letter(event: str, link: Link, said: Said) -> list[Effect]:
    """Take in a letter, or an acknowledgement, of which we need none; bytes stay base64."""
    try:
        letter = msgspec.convert(said.data, type=_Letter)
        content = msgspec.json.decode(letter.text) if letter.head.form == "json" else letter.text
    except (msgspec.DecodeError, RecursionError):
        return []
    number = letter.head.number
    is_next, is_missing = number == link.taken + 1, number > link.taken + 1
    if is_next:
        link.taken = number
    taken: dict[str, object] = {"type": "taken", "number": link.taken, **({"missing": True} if is_missing else {})}
    acknowledged = Tell(Say(topic=LETTERS, data=taken, to=link.user))
    new = [custom(event, letter.head.topic, content, link.user, link.extra)] if is_next else []
    return [*new, acknowledged]
