"""What the server would refuse is refused here, with a sentence that says what to do."""

import re

from peer.errors import UsageError
from signaling.messages import (
    MAX_BAN,
    MAX_CONTENT,
    MAX_EXTRA,
    MAX_TEXT,
    MAX_TOPIC,
    NAME_PATTERN,
    RESERVED_ROOMS,
    Extra,
    Topology,
    extra_size,
    json_size,
)

CODECS = ("H264", "VP8")
MIN_BITRATE, MAX_BITRATE = 50_000, 50_000_000  # bits per second


def check_names(room: str, user: str) -> None:
    """Raise `UsageError` if a room or a user cannot be called that."""
    for kind, name in (("room", room), ("user", user)):
        if not re.fullmatch(NAME_PATTERN, name):
            raise UsageError(
                f"{name!r} is no name for a {kind}: use 1 to 64 of A-Z a-z 0-9 . _ @ + -, a letter or digit first"
            )
    if room in RESERVED_ROOMS:
        raise UsageError(f"no room can be called {room!r}: that address is the server's own")


def check_text(text: str | None) -> None:
    """Raise `UsageError` if a moderator's text is too long for the server."""
    if text is not None and len(text) > MAX_TEXT:
        raise UsageError(f"the text is {len(text)} characters long; at most {MAX_TEXT} are allowed")


def check_ban(seconds: float | None) -> None:
    """Raise `UsageError` if nobody can be kept out for so long."""
    if seconds is not None and not 0 < seconds <= MAX_BAN:
        raise UsageError(f"a ban must last more than 0 and at most {MAX_BAN:.0f} seconds, not {seconds!r}")


def check_wait(wait: object) -> None:
    """Raise `UsageError` if a leave cannot wait for that."""
    if wait not in ("server", "everyone", None):
        raise UsageError(f'wait must be "server", "everyone" or None, not {wait!r}')


def check_extra(extra: Extra) -> None:
    """Raise `UsageError` if `extra` is no JSON object or is too large for the server."""
    try:
        size = extra_size(extra)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"extra must be a JSON object: {error}") from None
    if size > MAX_EXTRA:
        raise UsageError(f"extra is {size} bytes of JSON; at most {MAX_EXTRA} are allowed")


def check_message(topic: str, data: object) -> None:
    """Raise `UsageError` if the server would not pass a message on."""
    if not 0 < len(topic) <= MAX_TOPIC:
        raise UsageError(f"a topic has 1 to {MAX_TOPIC} characters, not {len(topic)}")
    try:
        size = json_size(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"data must be what JSON can say: {error}") from None
    if size > MAX_CONTENT:
        raise UsageError(f"data is {size} bytes of JSON; at most {MAX_CONTENT} are allowed")


def check_codec(codec: str) -> str:
    """Return a video codec's name as in SDP; raise `UsageError` if it is none that we send."""
    name = codec.upper()
    if name == "AUTO":
        return "auto"
    if name not in CODECS:
        raise UsageError(f'codec must be "h264", "vp8" or "auto", not {codec!r}')
    return name


def check_bitrate(bitrate: int | None) -> int | None:
    """Return a bit rate; raise `UsageError` if no picture can be encoded at it."""
    if bitrate is not None and not MIN_BITRATE <= bitrate <= MAX_BITRATE:
        raise UsageError(f"bitrate must be {MIN_BITRATE:,} to {MAX_BITRATE:,} bits per second, not {bitrate!r}")
    return bitrate


def check_topology(wanted: Topology | None, of_room: Topology) -> None:
    """Raise `UsageError` if the media of a room pass in another way than a program wants."""
    if wanted not in (None, of_room):
        raise UsageError(
            f"media pass by {of_room} in this room, not by {wanted}: "
            f"leave `topology` out to take rooms as they are, or have the room made with topology {wanted}"
        )
