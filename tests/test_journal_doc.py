"""docs/journal.md names every event and every field that can stand in a journal, and no other."""

import re
from pathlib import Path
from typing import get_args

from peer.events import Event, Unrecorded
from signaling.entry import Entry, PeerEvent, ServerEvent
from signaling.messages import ExitRoom, RemoteUserBack, RemoteUserLeave, RemoteUserUnreachable

PAGE = (Path(__file__).parents[1] / "docs/journal.md").read_text()
TOLD_BY_THE_SERVER = (RemoteUserUnreachable, RemoteUserBack, RemoteUserLeave, ExitRoom)


def section(heading: str) -> str:
    return PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]


def events_of(writer: str) -> set[str]:
    """Return the events that the table says are written by "server" or "peer"."""
    rows = [row.split("|")[1:3] for row in section("Events").splitlines() if row.startswith("| `")]
    return {event for events, writers in rows if writer in writers for event in re.findall(r"`(\w+)`", events)}


def names(*messages: type) -> set[str]:
    return {str(message.__struct_config__.tag) for message in messages}


def test_the_table_has_what_the_server_writes() -> None:
    assert events_of("server") == {*get_args(ServerEvent), *names(*TOLD_BY_THE_SERVER)}


def test_the_table_has_what_a_peer_writes_and_nothing_of_what_passes() -> None:
    recorded = set(get_args(Event)) - set(get_args(Unrecorded))
    assert events_of("peer") == {*get_args(PeerEvent), *names(*recorded)}


def test_every_field_of_a_line_is_explained() -> None:
    heads = [row.split(":")[0] for row in section("A line").splitlines() if row.startswith("- `")]
    explained = [field for head in heads for field in re.findall(r"`(\w+)`", head)]
    assert sorted(explained) == sorted(Entry.__struct_encode_fields__)
