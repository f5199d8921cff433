"""What the journal says of those who were refused something, through real sockets."""

import asyncio
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from signaling import SignalingServer
from signaling.entry import Entry, decode_entry
from signaling.journal import Journal
from signaling.messages import MAX_MESSAGE, Error
from signaling.refused import Refused
from tests.signaling.client import PATIENCE, listening


def lines(path: Path) -> list[Entry]:
    entries = [decode_entry(line) for line in path.read_bytes().splitlines()]
    return [one for one in entries if one is not None and one.event == "turnedAway"]


def turned_away(path: Path) -> Counter[tuple[str | None, str | None]]:
    """How often all in all: what is refused in several seconds stands in several lines."""
    counts: Counter[tuple[str | None, str | None]] = Counter()
    for one in lines(path):
        counts[one.code, one.address] += one.count or 0
    return counts


async def test_what_was_refused_stands_in_the_journal_with_its_address_and_a_count(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    async with listening(SignalingServer(journal=path, connections_per_address=1)) as place:
        ana = await place.connect()
        for frame in ("nonsense", "[]", '{"type": "dance"}', "x" * (MAX_MESSAGE + 1)):
            await ana.socket.send_str(frame)
            await ana.hear_a(Error)
        await ana.socket.send_bytes(b"\0")
        await ana.hear_a(Error)
        for headers in ({}, {"Origin": "https://elsewhere.example"}):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await place.connect(headers=headers)
        body = {"session": "s", "ticket": "t", "reason": "left"}
        async with place.http.post(f"{place.url}/ws", json=body) as response:
            assert response.status == 404
    assert turned_away(path) == {
        ("bad_message", "127.0.0.1"): 3,
        ("unknown_type", "127.0.0.1"): 1,
        ("message_size", "127.0.0.1"): 1,
        ("connections_per_address", "127.0.0.1"): 1,
        ("origin", "127.0.0.1"): 1,
        ("session_gone", "127.0.0.1"): 1,
    }


async def test_a_flood_is_one_line_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling.refused.PERIOD", 0.05)
    path = tmp_path / "journal"
    with Journal.open(path, who="server") as journal, Refused(journal) as refused:
        for _ in range(10_000):
            refused.turned_away("connections", "192.0.2.1")
        assert turned_away(path) == {}
        async with asyncio.timeout(PATIENCE):
            while not turned_away(path):  # noqa: ASYNC110 - a file says nothing when it is written to
                await asyncio.sleep(0)
        assert [one.count for one in lines(path)] == [10_000]
        refused.turned_away("origin", "192.0.2.1")
    assert turned_away(path)["origin", "192.0.2.1"] == 1, "what is counted when the server ends is not lost"


def test_a_line_has_no_more_than_it_says() -> None:
    line = b'{"mono":1,"wall":2,"who":"server","event":"turnedAway","code":"origin","address":"192.0.2.1","count":3}'
    assert decode_entry(line) == Entry(
        mono=1, wall=2, who="server", event="turnedAway", code="origin", address="192.0.2.1", count=3
    )
