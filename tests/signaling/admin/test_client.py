"""The admin API from Python."""

import aiohttp
import pytest
from aiohttp import web

from signaling import AdminClient, AdminError, Duplicate, SignalingServer
from signaling.messages import ExitRoom, RemoteUserUpdate, Said
from signaling.reasons import Reason
from tests.signaling.admin.asking import ADMIN_KEY
from tests.signaling.client import listening, mounted


@pytest.mark.parametrize("serve", [listening, mounted])
async def test_everything_that_the_api_can_do_the_client_can(serve: type) -> None:
    async with serve(SignalingServer()) as place, AdminClient(f"{place.url}/") as admin:
        ana, ben = await place.enter("ana", "ben")
        assert [room.name for room in await admin.rooms()] == ["42"]
        assert (await admin.update_extra("42", "ben", {"hand": "raised"})).told
        assert (await ana.hear_a(RemoteUserUpdate)).extra == {"hand": "raised"}
        assert (await admin.user("42", "ben")).extra == {"hand": "raised"}
        assert (await admin.send_message("42", "notice", {"minutes": 5}, to="ana")).told == ["ana"]
        assert await ana.hear() == Said(topic="notice", data={"minutes": 5})
        settings = await admin.create("attic", capacity=1, duplicate=Duplicate.REJECT, max_age=None)
        assert (settings.capacity, settings.duplicate) == (1, "reject")
        assert await admin.create("attic", capacity=1, duplicate=Duplicate.REJECT, max_age=None) == settings
        assert (await admin.move("42", "ben", "attic")).to == "attic"
        assert [user.user for user in (await admin.room("attic")).users] == ["ben"]
        assert (await admin.mute("attic", "ben", "video", "dark")).unacknowledged == ["ben"]
        assert (await admin.dismiss("attic", "closing")).told == ["ben"]
        kicked = await admin.kick("42", ("ana", "ben"), "too loud", ban_for=60)
        assert ([one.user for one in kicked.kicked], kicked.missing) == (["ana"], ["ben"])
        while not isinstance(last := await ben.hear(), ExitRoom):
            pass
        assert (last.reason, last.text) == (Reason.DISMISSED, "closing")


async def test_what_is_refused_is_raised_with_the_servers_words() -> None:
    async with listening(SignalingServer(admin_key=ADMIN_KEY)) as place:
        async with AdminClient(place.url, ADMIN_KEY) as admin:
            with pytest.raises(AdminError, match="there is no room attic") as refused:
                await admin.dismiss("attic")
            assert (refused.value.status, refused.value.code) == (404, "no_such_room")
        async with AdminClient(place.url) as admin:
            with pytest.raises(AdminError, match="admin key"):
                await admin.rooms()


async def test_who_is_no_exeunt_server_is_said_to_be_none() -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with AdminClient(f"http://127.0.0.1:{runner.addresses[0][1]}") as admin:
            with pytest.raises(AdminError, match="no Exeunt server"):
                await admin.rooms()
    finally:
        await runner.cleanup()


async def test_where_nobody_answers_is_raised_as_aiohttp_does() -> None:
    async with AdminClient("http://127.0.0.1:9") as admin:
        with pytest.raises(aiohttp.ClientConnectionError):
            await admin.rooms()
