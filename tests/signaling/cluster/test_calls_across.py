"""What programs and moderators ask for, asked at a node that neither runs the room nor has the user's socket."""

import asyncio
import signal
from pathlib import Path

import pytest

from peer.errors import Refused
from signaling.admin.client import AdminClient, AdminError
from signaling.messages import ErrorCode, Kick, Muted, Said
from tests.signaling.cluster.servers import PATIENCE, Cluster, User, cluster, until

BAN = 60.0  # seconds


async def pair(whole: Cluster, room: str) -> tuple[User, User]:
    """Ana at the first node, which runs the room, and ben at the second; the third is the one to be asked."""
    ana = await whole.enter("ana", whole.servers[0], room)
    ben = await whole.enter("ben", whole.servers[1], room)
    await until(lambda: ana.others == ["ben"] and ben.others == ["ana"], "both are in")
    return ana, ben


async def test_every_call_means_the_same_at_any_node(tmp_path: Path) -> None:
    async with cluster(tmp_path) as whole, AdminClient(whole.servers[2].http) as admin:
        settings = await admin.create("42", capacity=3)
        assert settings == await admin.create("42", capacity=3)  # again, and nothing changes
        with pytest.raises(AdminError, match="with other settings"):
            await admin.create("42", capacity=4)
        ana, ben = await pair(whole, "42")
        found = await admin.listing()
        assert [(room.name, room.settings, [user.user for user in room.users]) for room in found.rooms] == [
            ("42", settings, ["ana", "ben"])
        ]
        assert found.unanswered == []
        await every_call(admin, ana, ben)
        await whole.enter("cem", whole.servers[2], "42")
        await whole.enter("dan", whole.servers[1], "42")
        with pytest.raises(Refused) as refused:
            await whole.enter("eva", whole.servers[1], "42")
        assert refused.value.code == ErrorCode.ROOM_FULL
        told = await admin.dismiss("42", "closing time")
        assert (sorted(told.told), told.unacknowledged) == (["ana", "cem", "dan"], [])
        await until(lambda: ana.end == "dismissed", "ana is out")
        async with asyncio.timeout(PATIENCE):
            while await whole.database.keys("room:*"):  # noqa: ASYNC110 - until all have acknowledged that they are out
                await asyncio.sleep(0.02)
        assert (await admin.listing()).rooms == []


async def every_call(admin: AdminClient, ana: User, ben: User) -> None:
    assert [user.user for user in (await admin.room("42")).users] == ["ana", "ben"]
    assert (await admin.user("42", "ben")).extra == {}
    reached = await admin.update_extra("42", "ben", {"role": "guest"})
    assert (sorted(reached.told), reached.unacknowledged) == (["ana", "ben"], [])
    await until(lambda: ana.roster.users["ben"].extra == {"role": "guest"}, "ana knows")
    said = await admin.send_message("42", "hello", {"n": 1}, to="ben")
    assert (said.told, said.unacknowledged) == (["ben"], [])
    await until(lambda: Said(topic="hello", data={"n": 1}) in ben.said, "ben heard it")
    assert not any(isinstance(message, Said) for message in ana.said)
    muted = await admin.mute("42", "ben", "audio")
    assert (muted.told, muted.unacknowledged) == (["ben"], [])
    assert any(isinstance(message, Muted) for message in ben.said)
    with pytest.raises(AdminError) as missing:
        await admin.kick("42", "nobody")
    assert missing.value.status == 404
    kicked = await admin.kick("42", "ben", "too loud", ban_for=BAN)
    assert [(one.user, sorted(one.told), one.unacknowledged) for one in kicked.kicked] == [("ben", ["ana", "ben"], [])]
    await until(lambda: ben.end == "kicked", "ben is out")
    assert ana.events[-1] == "Leave ben"


async def test_who_was_kicked_is_banned_at_every_node_and_who_did_not_acknowledge_is_named(tmp_path: Path) -> None:
    async with cluster(tmp_path) as whole, AdminClient(whole.servers[2].http) as admin:
        ana, _ = await pair(whole, "42")
        cem = await whole.enter("cem", whole.servers[2], "42")
        ana.acknowledges = False
        kicked = await admin.kick("42", "ben", ban_for=BAN)
        (one,) = kicked.kicked
        assert (sorted(one.told), one.unacknowledged) == (["ana", "ben", "cem"], ["ana"])
        for server in whole.servers:
            with pytest.raises(Refused) as refused:
                await whole.enter("ben", server, "42")
            assert refused.value.code == ErrorCode.BANNED
        cem.client.say(Kick(user="ana", text="silent"))  # by a user, at a node that does not run the room
        await until(lambda: ana.end == "kicked", "ana is out")
        await until(lambda: "Leave ana" in cem.events, "cem knows")
        assert (await admin.listing()).rooms[0].users[0].user == "cem"


async def until_listed(admin: AdminClient, *rooms: str) -> None:
    """Return once the node that is asked knows all others: each says once a second that it is alive."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await admin.listing()
            if not found.unanswered and [room.name for room in found.rooms] == [*rooms]:
                return
            await asyncio.sleep(0.02)


async def test_a_list_names_the_node_that_does_not_answer(tmp_path: Path) -> None:
    async with cluster(tmp_path) as whole, AdminClient(whole.servers[2].http) as admin:
        await whole.enter("ana", whole.servers[0], "42")
        await whole.enter("ben", whole.servers[2], "43")
        await until_listed(admin, "42", "43")
        whole.servers[0].signal(signal.SIGSTOP)
        try:
            found = await admin.listing()
        finally:
            whole.servers[0].signal(signal.SIGCONT)
        assert [room.name for room in found.rooms] == ["43"]
        assert found.unanswered
        await until_listed(admin, "42", "43")  # after more than its lease, its room is claimed again
