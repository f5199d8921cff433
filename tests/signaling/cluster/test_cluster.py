"""Three servers, each in a process of its own, and a real Redis: what users notice when parts of it are lost."""

import asyncio
import signal
import time
from pathlib import Path

import aiohttp

from tests.signaling.cluster.servers import PATIENCE, Cluster, Server, User, cluster, until
from tests.signaling.test_metrics import values

POLL = 0.1  # seconds
SHORT_GRACE = 4.0  # seconds


async def trio(whole: Cluster) -> tuple[User, User, User]:
    """One user at each node, in one room; the first one's node runs it."""
    users = [await whole.enter(name, server) for name, server in zip(("ana", "ben", "cem"), whole.servers, strict=True)]
    for user in users:
        await until(lambda user=user: len(user.others) == 2, f"{user.name} sees both")
    ana, ben, cem = users
    return ana, ben, cem


async def lag(server: Server) -> float:
    """Return how late a node reads what others wrote, as its metrics say: the mean, in seconds."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.http}/metrics") as answer:
        found = values(await answer.read())
    return found["exeunt_bus_lag_seconds_sum"] / found["exeunt_bus_lag_seconds_count"]


async def lag_above_nothing(server: Server, user: User) -> float:
    """Return `lag` once it shows, while a user goes on talking.

    Redis' clock is known as well as the way there and back is short: where that was long, a small lag may seem none.
    """
    async with asyncio.timeout(PATIENCE):
        while (mean := await lag(server)) == 0:
            user.note(0)
            await asyncio.sleep(POLL)
    return mean


async def test_users_at_three_nodes_are_in_one_room_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    began = time.monotonic()
    async with cluster(tmp_path) as whole:
        ana, ben, cem = await trio(whole)
        for server, elsewhere in zip(whole.servers, (ben, cem, ana), strict=True):
            assert 0 < await lag_above_nothing(server, elsewhere) < time.monotonic() - began
        cem.leave()
        await until(lambda: cem.end == "left" and "Leave cem" in ana.events and "Leave cem" in ben.events, "cem left")
        ana.leave()
        ben.leave()
        await until(lambda: (ana.end, ben.end) == ("left", "left"), "all left")
        assert await whole.database.keys("room:*") == []


async def test_nobody_leaves_when_the_node_that_runs_the_room_is_killed(tmp_path: Path) -> None:
    async with cluster(tmp_path) as whole:
        ana, ben, cem = await trio(whole)
        await whole.kill(whole.servers[0])
        await until(lambda: "Back ana" in ben.events and "Back ana" in cem.events, "ana is back")
        await until(lambda: ana.client.is_connected, "ana is connected")
        assert (ana.others, ben.others, cem.others) == (["ben", "cem"], ["ana", "cem"], ["ana", "ben"])
        assert not [event for user in (ana, ben, cem) for event in user.events if event.startswith("Leave")]
        ben.note(7)
        await until(lambda: "Update ben" in ana.events and "Update ben" in cem.events, "the room goes on")


async def test_nobody_leaves_when_a_node_with_users_is_killed(tmp_path: Path) -> None:
    async with cluster(tmp_path) as whole:
        ana, ben, cem = await trio(whole)
        await whole.kill(whole.servers[2])
        await until(lambda: cem.client.is_connected and cem.others == ["ana", "ben"], "cem is back")
        await until(lambda: not any(user.unreachable for user in ana.roster.users.values()), "ana knows")
        assert not [event for user in (ana, ben, cem) for event in user.events if event.startswith("Leave")]


async def test_a_user_of_a_killed_node_who_is_gone_leaves_after_the_grace_and_once(tmp_path: Path) -> None:
    async with cluster(tmp_path, grace=SHORT_GRACE) as whole:
        ana, ben, cem = await trio(whole)
        await ana.client.close()
        await whole.kill(whole.servers[0])
        await until(lambda: "Leave ana" in ben.events and "Leave ana" in cem.events, "ana is gone")
        assert [user.events.count("Leave ana") for user in (ben, cem)] == [1, 1]
        assert [user.events.count("Unreachable ana") for user in (ben, cem)] == [1, 1]


async def test_nobody_leaves_when_the_owner_is_stopped_for_longer_than_its_lease(tmp_path: Path) -> None:
    async with cluster(tmp_path) as whole:
        ana, ben, cem = await trio(whole)
        whole.servers[0].signal(signal.SIGSTOP)
        await until(lambda: "Unreachable ana" in ben.events, "the others take over")
        whole.servers[0].signal(signal.SIGCONT)
        await until(lambda: "Back ana" in ben.events and "Back ana" in cem.events, "ana is back")
        ana.note(1)
        await until(lambda: "Update ana" in ben.events, "ana is heard")
        assert not [event for user in (ana, ben, cem) for event in user.events if event.startswith("Leave")]


async def test_nobody_notices_when_redis_is_started_anew_and_empty(tmp_path: Path) -> None:
    async with cluster(tmp_path) as whole:
        ana, ben, cem = await trio(whole)
        before = [list(user.events) for user in (ana, ben, cem)]
        await whole.database.stop(empties=True)
        await whole.database.start()
        ana.note(3)
        await until(lambda: "Update ana" in ben.events and "Update ana" in cem.events, "the room goes on")
        for user, known in zip((ben, cem), before[1:], strict=True):
            assert [event for event in user.events[len(known) :] if not event.startswith("Update")] == []
        assert await whole.database.keys("room:*") == ["test:room:42"]


async def test_a_node_that_ends_right_after_redis_was_emptied_leaves_no_room_behind(tmp_path: Path) -> None:
    async with cluster(tmp_path, 2) as whole:
        first = whole.servers[0]
        ana, ben = await whole.enter("ana", first), await whole.enter("ben", first)
        await until(lambda: ana.others == ["ben"], "both are in")  # and no other node has ever heard of the room
        await whole.database.stop(empties=True)
        await whole.database.start()
        whole.retire(first)
        first.signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await first.command.running.wait()
        for user, other in ((ana, ben), (ben, ana)):
            await until(lambda user=user: len([line for line in user.lines if "Joined" in line]) == 2, "they are back")
            await until(lambda user=user, other=other: user.others == [other.name], "they are in")
        await until(lambda: not any(one.unreachable for u in (ana, ben) for one in u.roster.users.values()), "all here")
        assert (ana.end, ben.end) == (None, None)
        assert not [event for user in (ana, ben) for event in user.events if event.startswith("Leave")]


async def test_rolling_restart_of_all_nodes_costs_nobody_the_room(tmp_path: Path) -> None:
    async with cluster(tmp_path) as whole:
        users = await trio(whole)
        for server in tuple(whole.servers):
            await whole.start()
            whole.retire(server)
            server.signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
                await server.command.running.wait()
            for user in users:
                await until(lambda user=user: user.client.is_connected and len(user.others) == 2, f"{user.name} is in")
        await until(lambda: not any(one.unreachable for u in users for one in u.roster.users.values()), "all are here")
        assert not [event for user in users for event in user.events if event.startswith("Leave")]
