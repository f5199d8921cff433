"""Our own WHIP publisher and WHEP player at our own gateway, and the command that serves it."""

import asyncio
import signal
from pathlib import Path

import pytest

from peer import Peer, TestPattern
from peer.whip import WhepPlayer, WhipPublisher
from signaling.entry import Entry, decode_entry
from signaling.reasons import Detection, Reason
from tests.command import exeunt
from tests.gateways.clients import LIMIT, client
from tests.gateways.test_whip import see, told
from tests.gateways.whip_room import whip_room

SMALL = {"width": 160, "height": 120, "fps": 15}


def exits(journal: Path) -> dict[str | None, Entry]:
    """Return by user what the server wrote down of their exits."""
    entries = [entry for line in journal.read_bytes().splitlines() if (entry := decode_entry(line)) is not None]
    return {entry.user: entry for entry in entries if entry.event == "exited"}


async def test_everybody_agrees_on_who_left_and_why(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    async with whip_room({"journal": journal}) as room:
        ana = await room.join("ana")
        async with WhipPublisher(room.whip) as obs:
            await obs.publish(TestPattern(**SMALL))
            await see(ana, "obs")
            async with WhepPlayer(room.whep("obs")) as screen:
                async with asyncio.timeout(LIMIT):
                    async for frame in screen.video.frames():
                        if frame.array.mean() > 1:
                            break
        for user in ("obs", "screen"):
            leave = told(room, "ana", user)
            assert (leave.reason, leave.detected_by) == (Reason.LEFT, Detection.NOTICE)
        await room.until_empty()
    written = exits(journal)
    assert {user: entry.reason for user, entry in written.items() if user != "ana"} == {
        "obs": Reason.LEFT,
        "screen": Reason.LEFT,
    }


async def test_a_server_that_hands_its_users_over_lets_its_sessions_leave_first(tmp_path: Path) -> None:
    async with client(publishes=True, kinds=("audio",)) as obs, whip_room({"state": tmp_path / "state"}) as room:
        ana = await room.join("ana")
        await obs.begin(room.whip)
        (session,) = room.gateway.sessions
        await room.server.app.shutdown()
        assert (await session.proxy.wait_exited()).reason is Reason.LEFT
        await room.journal.until("ana", "remoteUserLeave obs left")
        assert await obs.delete() == 404
        ana.request_exit(wait=None)


async def test_the_command_serves_it_and_says_where() -> None:
    async with exeunt("serve", "--port", "0", "--whip", "--allowed-origin", "https://a.example", "--json") as server:
        url = str((await server.until("join"))["text"])
        where = str((await server.until("whip"))["text"]).split()[0].replace("ROOM", "lobby")
        async with Peer(url, room="lobby", user="ana") as ana, client(publishes=True) as obs:
            await obs.begin(f"{where}?user=obs")
            await see(ana, "obs")
            server.signal(signal.SIGTERM)
            assert (await ana.wait_exited()).reason is Reason.SERVER_SHUTDOWN
        assert (await server.end())[0] == 0


@pytest.mark.parametrize("origin", ["a.example", "https://a.example/"])
async def test_an_origin_that_is_none_is_refused_in_a_line(origin: str) -> None:
    async with exeunt("serve", "--port", "0", "--allowed-origin", origin) as server:
        status, _ = await server.end()
        assert status == 2
