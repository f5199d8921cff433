"""Journals as tests need them: lines made of a few words, the time in seconds after noon."""

from signaling.entry import Entry, decode_entry, encode_entry

NOON = 1_800_000_000.0


def by_server(event: str, at: float, /, **facts: object) -> Entry:
    return _line("server", event, at, facts)


def by(writer: str, event: str, at: float, /, **facts: object) -> Entry:
    """A line that a peer in the lobby wrote."""
    return _line(f"peer lobby/{writer}", event, at, facts)


def about(user: str, session: str, event: str, at: float, /, **facts: object) -> Entry:
    """A line of the server about a session of a user in the lobby."""
    return by_server(event, at, **{"session": session, "room": "lobby", "user": user, **facts})


def clock(wall: float) -> str:
    """Say the time as these tests do."""
    return f"{wall - NOON:g}"


def _line(who: str, event: str, at: float, facts: dict[str, object]) -> Entry:
    line = decode_entry(encode_entry(100.0 + at, NOON + at, who, event, facts))
    assert line is not None
    return line
