"""The journal of a test: what the server, the peers and the pages wrote down, as typed entries.

await journal.until("remoteUserLeave", user="ana")
await assert_exit_contract(journal)
assert journal.words("bo") == ["enterRoom", "remoteUserJoin ana", "remoteUserLeave ana left"]
"""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from peer.testing.contract import PAGE, TOTAL_LIMIT, breaches, place_of
from signaling.entry import Entry, decode_entry

LIMIT = 30.0  # seconds for anything that is waited for
POLL = 0.02  # seconds between two looks at the file, which other processes write, too
STEPS = ("leaving", "step", "released")


class Journal:
    """A file that everybody in a test writes to; `entries` reads it anew at each look."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def entries(self) -> list[Entry]:
        """All that was written down, in the order in which it happened. Damaged lines are left out."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []  # nobody has written yet
        found = [entry for line in lines if (entry := decode_entry(line)) is not None]
        return sorted(found, key=lambda entry: entry.mono)

    def of(self, user: str) -> list[Entry]:
        """Return what one user's peer or page wrote down, in whatever room."""
        return [line for line in self.entries if place_of(line).partition("/")[2] == user]

    def words(self, user: str) -> list[str]:
        """Return what one user was told, in a few words each: "remoteUserLeave ana left"; without steps of leaving."""
        return [_words(line, but=user) for line in self.of(user) if line.event not in STEPS]

    async def until(self, event: str, **facts: object) -> Entry:
        """Wait for an entry with this event and these fields, as `until("exited", user="ana")`; return it.

        Raises `AssertionError`, with the whole journal, after 30 s.
        """

        def found() -> Entry | None:
            return next((line for line in self.entries if line.event == event and _has(line, facts)), None)

        try:
            async with asyncio.timeout(LIMIT):
                while (entry := found()) is None:  # noqa: ASYNC110 - a file tells nobody that it grows
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise AssertionError(f"{event} {facts} was never written down, but:\n{self}") from None
        return entry

    def listener(self, user: str, room: str) -> Callable[[dict[str, Any]], None]:
        """Return what writes down the events of a page."""

        def write(event: dict[str, Any]) -> None:
            known = {name: value for name, value in event.items() if name in _FIELDS and value not in (None, [])}
            line = {
                "mono": time.monotonic(),
                "wall": time.time(),
                "who": f"{PAGE}{room}/{user}",
                "event": event["type"],
            }
            with self.path.open("ab", buffering=0) as file:
                file.write(json.dumps({**known, **line}).encode() + b"\n")

        return write

    def __str__(self) -> str:
        return "\n".join(f"{line.mono:.3f} {line.who}: {_words(line)}" for line in self.entries)


async def assert_exit_contract(journal: Journal, user: str | None = None, *, limit: float = TOTAL_LIMIT) -> None:
    """Assert that everybody who has left (or this user) was kept to the exit contract: told, released, reported.

    What is still on its way gets `limit` seconds, as long as an exit may take. Raises `AssertionError` that names each
    breach, with the whole journal.
    """
    try:
        async with asyncio.timeout(limit):
            while breaches(journal.entries, user=user, limit=limit):  # noqa: ASYNC110 - a file tells nobody that it grows
                await asyncio.sleep(POLL)
    except TimeoutError:
        found = breaches(journal.entries, user=user, limit=limit)
        raise AssertionError("\n".join(["the exit contract was broken:", *found, "", str(journal)])) from None


_FIELDS = frozenset(field.encode_name for field in msgspec.structs.fields(Entry))


def _has(line: Entry, facts: dict[str, object]) -> bool:
    return all(getattr(line, name) == value for name, value in facts.items())


def _words(line: Entry, *, but: str = "") -> str:
    user = line.user if line.user != but else None
    return " ".join(str(fact) for fact in (line.event, user, line.reason, line.device, line.outcome, line.name) if fact)
