"""What a server counts and measures, and who may read it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from signaling import SignalingServer
from signaling.census import Census
from signaling.effects import Adopt, Entered, Exited, Send
from signaling.messages import (
    Ack,
    Error,
    ErrorCode,
    ExitRoom,
    Join,
    Leave,
    RemoteUserLeave,
    RemoteUserUnreachable,
)
from signaling.metrics import Metrics
from signaling.reasons import Detection, Reason
from signaling.tokens import make
from tests.signaling.client import PATIENCE, Client, Place, listening

KEY = "a key of thirty-two letters, sure"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def values(text: bytes) -> dict[str, float]:
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def seen(*, clock: Clock | None = None) -> Metrics:
    return Metrics(Census, clock=clock or Clock())


LEFT = RemoteUserLeave(user="ana", session="s1", seq=3, reason=Reason.LEFT, detected_by=Detection.NOTICE)


def test_a_notice_is_measured_from_the_event_to_the_sockets() -> None:
    clock = Clock()
    metrics = seen(clock=clock)
    metrics.heard("s1", Leave())
    clock.now += 0.004
    metrics.did(Send(("s2", "s3"), LEFT))
    clock.now += 0.003
    metrics.handed_over()
    metrics.handed_over()  # of something else
    found = values(metrics.text())
    assert found["exeunt_notice_seconds_count"] == 1
    assert found["exeunt_notice_seconds_sum"] == pytest.approx(0.007)
    assert found['exeunt_messages_sent_total{type="remoteUserLeave"}'] == 2


def test_a_notice_that_was_due_earlier_is_late() -> None:
    clock = Clock()
    metrics = seen(clock=clock)
    metrics.due(clock.now - 2.0)
    metrics.did(Send(("s2",), LEFT))
    metrics.handed_over()
    assert values(metrics.text())["exeunt_notice_seconds_sum"] == pytest.approx(2.0)


@pytest.mark.parametrize(("missing", "complete"), [([], "yes"), (["ben"], "no")])
def test_a_leaver_who_waits_is_measured_until_everybody_knows(missing: list[str], complete: str) -> None:
    clock = Clock()
    metrics = seen(clock=clock)
    metrics.heard("s1", Leave(wait=True))
    waiting = RemoteUserLeave(
        user="ana", session="s1", seq=3, reason=Reason.LEFT, detected_by=Detection.NOTICE, wants_ack=True
    )
    metrics.did(Send(("s2",), waiting))
    metrics.handed_over()
    clock.now += 0.3
    metrics.heard("s2", Ack(seq=3))
    metrics.did(Send(("s1",), ExitRoom(reason=Reason.LEFT, unacknowledged=missing)))
    found = values(metrics.text())
    assert found[f'exeunt_acknowledged_seconds_sum{{complete="{complete}"}}'] == pytest.approx(0.3)


def test_how_long_somebody_was_away_before_being_back_or_gone() -> None:
    clock = Clock()
    metrics = seen(clock=clock)
    for session in ("s1", "s2"):
        metrics.did(Entered(session, "42", session))
        metrics.lost(session, Detection.HEARTBEAT, 7.5, 10)
    metrics.lost("outside", Detection.SOCKET_CLOSED, 0.0, 10)
    metrics.restored("s3", "42", "eva")
    clock.now += 4
    metrics.did(Adopt("new", "s1"))
    clock.now += 6
    metrics.did(Exited("s2", "42", "ben", Reason.NETWORK_LOST, Detection.HEARTBEAT))
    metrics.did(Adopt("other", "s3"))
    found = values(metrics.text())
    assert found['exeunt_unreachable_seconds_sum{outcome="back"}'] == pytest.approx(4 + 10)
    assert found['exeunt_unreachable_seconds_sum{outcome="gone"}'] == pytest.approx(10)
    assert found['exeunt_leaves_total{detected_by="heartbeat",reason="network_lost"}'] == 1
    assert (found["exeunt_joins_total"], found["exeunt_resumes_total"]) == (2, 2)


def test_refusals_are_counted_by_their_code_and_apart_from_other_errors() -> None:
    metrics = seen()
    metrics.did(Send(("s1",), Error(code=ErrorCode.ROOM_FULL, text="", about="join")))
    metrics.did(Send(("s1",), Error(code=ErrorCode.NO_SUCH_USER, text="", about="offer")))
    metrics.refused("outbox")
    metrics.bus_lag(0.002)
    found = values(metrics.text())
    assert found['exeunt_refusals_total{code="room_full"}'] == 1
    assert found['exeunt_refusals_total{code="banned"}'] == 0
    assert found['exeunt_errors_total{code="no_such_user"}'] == 1
    assert found['exeunt_limits_total{limit="outbox"}'] == 1
    assert found["exeunt_bus_lag_seconds_count"] == 1


def test_gauges_are_looked_up_when_they_are_read() -> None:
    found = values(Metrics(lambda: Census(2, 5, 1, 7, 9, 4)).text())
    assert found["exeunt_rooms"] == 2
    assert (found['exeunt_users{presence="here"}'], found['exeunt_users{presence="unreachable"}']) == (5, 1)
    assert found["exeunt_sockets"] == 7
    assert (found["exeunt_outbox_messages"], found["exeunt_outbox_messages_max"]) == (9, 4)
    assert found["process_resident_memory_bytes"] > 0


def test_what_users_say_is_never_a_label() -> None:
    metrics = seen()
    metrics.did(Entered("s1", 'r"oom', "evil\nuser"))
    metrics.heard("s1", Join(room="42", user="evil"))
    metrics.did(Send(("s1",), Error(code=ErrorCode.BAD_NAME, text="evil", about="join")))
    assert b"evil" not in metrics.text()


# -- by HTTP --


@asynccontextmanager
async def two_users(server: SignalingServer) -> AsyncIterator[tuple[Place, Client, Client]]:
    async with listening(server) as place:
        ana, ben = await place.enter("ana", "ben")
        yield place, ana, ben


async def read(place: Place, **headers: str) -> tuple[int, dict[str, float]]:
    async with place.http.get(f"{place.url}/metrics", headers=headers) as response:
        return response.status, values(await response.read()) if response.status == 200 else {}


async def test_a_servers_metrics_follow_its_users() -> None:
    async with two_users(SignalingServer(grace=5)) as (place, ana, ben):
        await ben.socket.close()
        await ana.hear_a(RemoteUserUnreachable)
        status, found = await read(place)
        assert status == 200
        assert found["exeunt_rooms"] == 1
        assert (found['exeunt_users{presence="here"}'], found['exeunt_users{presence="unreachable"}']) == (1, 1)
        assert found["exeunt_sockets"] == 1
        assert found['exeunt_messages_received_total{type="join"}'] == 2
        await ana.say(Leave())
        await ana.hear_a(ExitRoom)
        _, found = await read(place)
        assert found['exeunt_leaves_total{detected_by="notice",reason="left"}'] == 1


async def test_a_kick_is_a_measured_notice() -> None:
    server = SignalingServer()
    async with two_users(server) as (place, ana, ben):
        kicking = asyncio.create_task(server.kick("42", "ben"))
        leave = await ana.hear_a(RemoteUserLeave)
        await ana.say(Ack(seq=leave.seq))
        await ben.say(Ack(seq=(await ben.hear_a(ExitRoom)).seq))
        await kicking
        _, found = await read(place)
        assert found["exeunt_notice_seconds_count"] == 1
        assert found["exeunt_notice_seconds_sum"] < 1
        assert found['exeunt_acknowledged_seconds_count{complete="yes"}'] == 1


async def test_the_metrics_are_for_this_machine_and_for_admins() -> None:
    async with listening(SignalingServer(key=KEY)) as place:
        far = {"X-Forwarded-For": "203.0.113.9"}
        assert (await read(place))[0] == 200
        assert (await read(place, **far))[0] == 401
        for grants, status in ((["moderate"], 403), (["admin"], 200)):
            bearer = {"Authorization": f"Bearer {make(KEY, grants=grants)}"}
            assert (await read(place, **far, **bearer))[0] == status
    async with listening(SignalingServer(key=KEY, metrics_public=True)) as place:
        assert (await read(place, **far))[0] == 200


async def test_a_server_is_not_ready_without_its_bus() -> None:
    server = SignalingServer()
    async with listening(server) as place:
        statuses = []
        for is_up in (True, False, False, True):
            server.observers.bus_changed(is_up=is_up)
            async with place.http.get(f"{place.url}/readyz") as response:
                statuses.append(response.status)
    assert statuses == [200, 503, 503, 200]


async def test_a_server_is_ready_until_it_ends(tmp_path: Path) -> None:
    server = SignalingServer(drain_delay=0.5)
    is_over = asyncio.Event()
    answers: list[tuple[int, object]] = []

    async def serve() -> None:
        async with listening(server) as place:
            answers.append(await ready(place))
            is_up.set_result(place.url)
            await is_over.wait()

    async def ready(place: Place) -> tuple[int, object]:
        async with place.http.get(f"{place.url}/readyz") as response:
            return response.status, await response.json()

    is_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group, aiohttp.ClientSession() as http:
        group.create_task(serve())
        url = await is_up
        is_over.set()
        await asyncio.sleep(0)
        while True:
            answers.append(await ready(Place(url, http)))
            if answers[-1][0] == 503:
                break
    assert answers[0] == (200, {"ready": True})
    assert answers[-1] == (503, {"ready": False, "why": ["the server is ending"]})
