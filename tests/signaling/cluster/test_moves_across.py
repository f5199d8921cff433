"""A user is moved between rooms that different processes run, asked at a third."""

from pathlib import Path

import pytest

from peer.errors import Refused
from signaling.admin.client import AdminClient, AdminError
from signaling.messages import ErrorCode
from tests.signaling.cluster.servers import Cluster, User, cluster, until

BAN = 60.0  # seconds
LONG_GRACE = 40.0  # seconds: on a machine however busy, who is away is not gone


async def meet(whole: Cluster) -> tuple[User, User, User]:
    """Ana in 42, which the first node runs, ben in 43, which the second runs; cem is in 42, at the third."""
    ana = await whole.enter("ana", whole.servers[0], "42")
    ben = await whole.enter("ben", whole.servers[1], "43")
    cem = await whole.enter("cem", whole.servers[2], "42")
    await until(lambda: ana.others == ["cem"] and cem.others == ["ana"], "both are in")
    return ana, ben, cem


async def test_a_user_is_moved_across_nodes_and_stays_connected_when_the_former_one_dies(tmp_path: Path) -> None:
    async with cluster(tmp_path, 4) as whole, AdminClient(whole.servers[3].http) as admin:
        ana, ben, cem = await meet(whole)
        moved = await admin.move("42", "cem", "43")
        await whole.kill(whole.servers[0])
        assert (moved.to, sorted(moved.told), moved.unacknowledged) == ("43", ["ana", "cem"], [])
        await until(lambda: ben.others == ["cem"] and cem.others == ["ben"], "they meet")
        assert ana.events == ["Join cem", "Leave cem"]
        assert cem.room == "43"
        assert not [line for line in cem.lines if "cut off" in line or "ExitRoom" in line]
        await until(lambda: any("cut off" in line for line in ana.lines), "ana notices")
        await until(lambda: len([line for line in ana.lines if "Joined" in line]) == 2, "ana is back")
        assert (ana.room, ana.others, ben.others) == ("42", [], ["cem"])
        cem.note(7)
        await until(lambda: ben.roster.users["cem"].extra == {"number": 7}, "ben hears cem")
        back = await admin.move("43", "cem", "42")
        assert sorted(back.told) == ["ben", "cem"]
        await until(lambda: ana.others == ["cem"] and cem.others == ["ana"], "they meet again")
        cem.leave()
        await until(lambda: cem.end == "left" and ana.others == [], "cem has left")


async def test_who_is_unreachable_is_moved_as_well_and_comes_back_in_the_other_room(tmp_path: Path) -> None:
    async with cluster(tmp_path, 4, grace=LONG_GRACE) as whole, AdminClient(whole.servers[3].http) as admin:
        ana, ben, cem = await meet(whole)
        await whole.balancer.refuse()  # so that cem finds no other node
        await whole.kill(whole.servers[2])
        await until(lambda: ana.roster.users["cem"].unreachable, "cem is unreachable")
        moved = await admin.move("42", "cem", "43")
        assert (moved.told, "cem" in moved.unacknowledged) == (["ana"], True)
        await until(lambda: "Unreachable cem" in ben.events, "it is so in the other room")
        assert ana.events == ["Join cem", "Unreachable cem", "Leave cem"]
        assert [user.unreachable for user in (await admin.room("43")).users if user.user == "cem"] == [True]
        await whole.balancer.listen()
        await until(lambda: cem.room == "43" and cem.others == ["ben"], "cem is back, there")
        await until(lambda: ben.events == ["Join cem", "Unreachable cem", "Back cem"], "ben knows")
        assert (cem.end, ana.others) == (None, [])


async def test_who_is_not_taken_in_stays_where_they_are(tmp_path: Path) -> None:
    async with cluster(tmp_path) as whole, AdminClient(whole.servers[2].http) as admin:
        await admin.create("full", capacity=1)
        await admin.create("strict", duplicate="reject")
        ana, ben, cem = await meet(whole)
        await whole.enter("dan", whole.servers[1], "full")
        await whole.enter("cem", whole.servers[1], "strict")
        await admin.kick("43", "ben", ban_for=BAN)
        await until(lambda: ben.end == "kicked", "ben is out")
        other = await whole.enter("ben", whole.servers[1], "42")
        with pytest.raises(Refused):
            await whole.enter("ben", whole.servers[1], "43")
        for user, room, code in (
            ("cem", "full", ErrorCode.ROOM_FULL),
            ("cem", "strict", ErrorCode.USER_TAKEN),
            ("ben", "43", ErrorCode.BANNED),
            ("cem", "42", ErrorCode.WRONG_STATE),
        ):
            with pytest.raises(AdminError) as refused:
                await admin.move("42", user, room)
            assert refused.value.code == code
        with pytest.raises(AdminError) as missing:
            await admin.move("42", "nobody", "44")
        assert missing.value.status == 404
        assert (ana.others, cem.others, other.others) == (["ben", "cem"], ["ana", "ben"], ["ana", "cem"])
        assert "Leave cem" not in ana.events
