"""Rooms whose media a real Janus carries: who is in here is let in there, and nobody else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from signaling import SignalingServer
from signaling.calls import Told
from signaling.janus.carer import Carer
from signaling.janus.failures import Code
from signaling.janus.hosting import VideoRoom, create, words
from signaling.janus.placing import Server
from signaling.janus.survey import Survey
from signaling.messages import (
    ACK_LIMIT,
    Ack,
    ExitRoom,
    Janus,
    Joined,
    Leave,
    MediaServer,
    RemoteUserJoin,
    RemoteUserLeave,
    decode_server,
)
from signaling.tokens import make
from tests.devices.janus import Janus as Real, janus_server
from tests.signaling.client import Client, Place, listening
from tests.signaling.janus.guests import PATIENCE, guest, refusal, until_refused

KEY = "a key of thirty-two letters, sure"
SECRET = "one that Janus and we share"


@pytest.fixture
async def janus() -> AsyncIterator[Real]:
    async with janus_server(admin_key=SECRET) as janus:
        yield janus


@pytest.fixture
async def another() -> AsyncIterator[Real]:
    async with janus_server(admin_key=SECRET) as janus:
        yield janus


def server(*janus: Real, **options: Any) -> SignalingServer:
    """Return one whose users need not read all the time: while Janus is waited for, nobody answers its pings."""
    urls = tuple(one.url for one in janus)
    patient = {"heartbeat": 0, "grace": 4 * PATIENCE}
    return SignalingServer(topology="janus", janus=urls, janus_secret=SECRET, **patient | options)


async def enter(place: Place, user: str, room: str = "42") -> tuple[Client, Joined]:
    client = await place.connect()
    return client, await client.join(user, room=room)


async def new_place(client: Client) -> Janus | None:
    """Return where the media are from now on, which takes longer than other messages."""
    said = decode_server(await client.socket.receive_str(timeout=PATIENCE))
    assert isinstance(said, MediaServer), said
    return said.media


async def counted(place: Place, name: str) -> dict[str, float]:
    """Return the values of a metric by the port of the Janus; "" where none is named."""
    async with place.http.get(f"{place.url}/metrics") as response:
        families = text_string_to_metric_families(await response.text())
        found = [sample for family in families for sample in family.samples if sample.name == f"exeunt_janus_{name}"]
    return {sample.labels.get("server", "").rpartition(":")[2]: sample.value for sample in found}


def told(place: VideoRoom) -> Janus:
    """Return what ana would be told of a VideoRoom."""
    media = words(place, "ana", SECRET)
    assert media is not None
    return media


async def until_up(place: Place, *janus: Real) -> None:
    """Return once these are known to be alive, and no others."""
    ports = {str(one.port) for one in janus}
    async with asyncio.timeout(PATIENCE):
        while {port for port, up in (await counted(place, "up")).items() if up} != ports:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def test_who_is_in_the_room_is_let_into_the_videoroom_and_who_leaves_is_removed_after_the_notice(
    janus: Real,
) -> None:
    async with listening(server(janus)) as place:
        ana, of_ana = await enter(place, "ana")
        ben, of_ben = await enter(place, "ben")
        await ana.hear_a(RemoteUserJoin)
        assert of_ana.topology == "janus"
        assert of_ana.media is not None
        assert of_ben.media is not None
        assert (of_ana.media.url, of_ana.media.room) == (of_ben.media.url, of_ben.media.room)
        async with guest(of_ana.media) as one, guest(of_ben.media) as other:
            await one.come_in(of_ana.session)
            await other.come_in(of_ben.session)
            await ben.say(Leave())
            assert (await ana.hear_a(RemoteUserLeave)).user == "ben"
            async with asyncio.timeout(PATIENCE):
                await other.is_out.wait()
            assert not one.is_out.is_set()
        await until_refused(of_ben.media, of_ben.session, Code.UNAUTHORIZED)
        await ana.say(Leave())
        await ana.hear_a(ExitRoom)
        await until_refused(of_ana.media, of_ana.session, Code.NO_SUCH_ROOM)


async def test_a_janus_that_hangs_delays_no_kick_and_hears_of_it_later(janus: Real) -> None:
    rooms = server(janus)
    async with listening(rooms) as place:
        ana, _ = await enter(place, "ana")
        ben, of_ben = await enter(place, "ben")
        await ana.hear_a(RemoteUserJoin)
        async with guest(of_ben.media) as one:
            await one.come_in(of_ben.session)
            janus.freeze()
            try:
                kicking = asyncio.create_task(rooms.kick("42", "ben"), name="kick")
                notice = await ana.hear_a(RemoteUserLeave)
                last = await ben.hear_a(ExitRoom)
                await ana.say(Ack(seq=notice.seq))
                await ben.say(Ack(seq=last.seq))
                async with asyncio.timeout(ACK_LIMIT):
                    assert await kicking == Told(told=["ben", "ana"], unacknowledged=[])
                cleo, of_cleo = await enter(place, "cleo")
            finally:
                janus.thaw()
            async with asyncio.timeout(PATIENCE):
                await one.is_out.wait()
        async with guest(of_cleo.media) as other:
            await other.come_in(of_cleo.session)
        await cleo.say(Leave())


async def test_who_may_not_publish_is_removed_when_they_do(janus: Real) -> None:
    async with listening(server(janus, key=KEY)) as place:
        joined = []
        for user, grants in (("ana", ["publish", "subscribe"]), ("ben", ["subscribe"])):
            client = await place.connect()
            joined.append(await client.join(user, token=make(KEY, "42", user, grants=grants)))
        of_ana, of_ben = joined
        async with guest(of_ana.media) as ana, guest(of_ben.media) as ben:
            await ana.come_in(of_ana.session)
            publishing = asyncio.create_task(ana.publish(), name="ana publishes")
            try:
                for _ in range(2):  # who tries again is removed again
                    await ben.come_in(of_ben.session)
                    await ben.publish()
                assert not ana.is_out.is_set()
            finally:
                publishing.cancel()
                await asyncio.wait({publishing})


async def test_rooms_go_to_the_janus_with_the_fewest_users_and_anew_to_another_when_theirs_dies(
    janus: Real, another: Real
) -> None:
    async with listening(server(janus, another)) as place:
        await until_up(place, janus, another)
        ana, of_ana = await enter(place, "ana", "1")
        _, of_ben = await enter(place, "ben", "2")
        assert of_ana.media is not None
        assert of_ben.media is not None
        assert {of_ana.media.url, of_ben.media.url} == {janus.url, another.url}
        first, second = (janus, another) if of_ana.media.url == janus.url else (another, janus)
        assert await counted(place, "rooms") == {str(janus.port): 1, str(another.port): 1}

        await first.kill()
        media = await new_place(ana)
        assert media is not None
        assert media.url == second.url
        assert await counted(place, "replacements_total") == {"": 1}
        async with guest(media) as one:
            await one.come_in(of_ana.session)

        await second.kill()
        assert await new_place(ana) is None  # and the room lives on
        cleo, of_cleo = await enter(place, "cleo", "1")
        assert (of_cleo.topology, of_cleo.media) == ("janus", None)
        async with place.http.get(f"{place.url}/readyz") as response:
            assert response.status == 200

        await first.start()
        await ana.hear_a(RemoteUserJoin)
        of_all = [await new_place(client) for client in (ana, cleo)]
        assert of_all[0] is not None
        assert of_all[1] is not None
        assert {media.url for media in of_all if media} == {first.url}
        async with guest(of_all[1]) as one:
            await one.come_in(of_cleo.session)
        assert (
            await refusal(of_all[1], of_ana.session) == 0
        )  # Janus does not bind ids to tokens: see test_janus_intruders


async def test_a_janus_that_was_started_anew_has_forgotten_its_rooms_which_are_placed_anew(janus: Real) -> None:
    async with listening(server(janus)) as place:
        ana, of_ana = await enter(place, "ana")
        assert of_ana.media is not None
        async with guest(of_ana.media) as one:
            await one.come_in(of_ana.session)
        await janus.kill()
        await janus.start()
        media = await new_place(ana)
        assert media is not None
        assert media.room != of_ana.media.room
        async with guest(media) as one:
            await one.come_in(of_ana.session)


async def test_who_is_unreachable_keeps_their_place_and_hears_of_the_new_one_on_coming_back(
    janus: Real, tmp_path: Path
) -> None:
    """Across a restart of our server, too: what is left of who did not come back is removed."""
    state = tmp_path / "state"
    async with aiohttp.ClientSession() as http:
        async with listening(server(janus, state=state)) as place:
            ana = Client(await http.ws_connect(f"{place.url}/ws"))
            of_ana = await ana.join("ana")
            assert of_ana.media is not None
            async with guest(of_ana.media) as one:
                await one.come_in(of_ana.session)
        async with listening(server(janus, state=state)) as place, guest(of_ana.media) as one:
            await until_up(place, janus)
            await one.come_in(of_ana.session)  # it is let in although it is not back yet
            ana = Client(await http.ws_connect(f"{place.url}/ws"))
            again = await ana.resume(of_ana)
            assert again.media == of_ana.media
            await ana.say(Leave())
            await ana.hear_a(ExitRoom)
            async with asyncio.timeout(PATIENCE):
                await one.is_out.wait()


async def test_what_other_nodes_have_at_a_janus_is_counted_and_what_was_left_there_is_destroyed(janus: Real) -> None:
    other, left = VideoRoom(janus.url, 7), VideoRoom(janus.url, 8)
    there = Server(janus.url, survey=Survey(left_behind=0.0))
    carer = Carer(there, SECRET, changed=lambda: None, lost=lambda *_: None, period=0.05)
    async with guest(told(other)) as ana:
        for place in (other, left):
            await ana.say(create(place.number, ["ana"], 1, SECRET))
        await ana.come_in("ana")
        carer.start()
        try:
            await until_refused(told(left), "ana", Code.NO_SUCH_ROOM)
            async with asyncio.timeout(PATIENCE):
                while there.load != 1:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
        finally:
            await carer.close()
        assert not ana.is_out.is_set()


async def test_a_janus_that_refuses_us_carries_no_rooms_and_says_so_in_the_log(
    janus: Real, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = SignalingServer(topology="janus", janus=(janus.url,), janus_secret="quite another secret")
    async with listening(wrong) as place:
        ana, of_ana = await enter(place, "ana")
        assert of_ana.media is None or await new_place(ana) is None  # that Janus has refused already, or does now
        assert "refuses what we ask, see --janus-secret-file" in caplog.text
        await ana.say(Leave())
        await ana.hear_a(ExitRoom)
