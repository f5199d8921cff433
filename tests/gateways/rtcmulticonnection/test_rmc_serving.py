"""The gateway in the command `exeunt serve`, and at two nodes of a cluster."""

import asyncio
import contextlib
from pathlib import Path

import aiohttp

from signaling import SignalingServer
from signaling.gateways.rmc_wire import MESSAGE_EVENT
from signaling.messages import RemoteUserJoin, RemoteUserLeave
from signaling.reasons import Reason
from tests.command import python
from tests.gateways.rtcmulticonnection.page_socket import page
from tests.gateways.rtcmulticonnection.test_rmc_gateway import bot_in, heard
from tests.signaling.client import listening
from tests.signaling.cluster.servers import Database


async def test_the_command_lets_pages_in_and_serves_what_they_load(tmp_path: Path) -> None:
    (tmp_path / "socket.io.js").write_text("var io = 1;")
    (tmp_path / "mine.html").write_text("<p>mine")
    options = ("--rtcmulticonnection", "--rtcmulticonnection-files", str(tmp_path))
    async with python("-m", "peer.cli", "serve", "--port", "0", "--json", *options) as server:
        address = str((await server.until("rtcmulticonnection"))["text"])
        async with aiohttp.ClientSession() as http:
            for path, content in (
                (address + "socket.io.js", "var io = 1;"),
                ("/rtcmulticonnection/mine.html", "<p>mine"),
            ):
                url = path if path.startswith("http") else address.replace("/socket.io/", path)
                async with http.get(url) as answer:
                    assert (answer.status, await answer.text()) == (200, content)
        async with page(address.removesuffix("/socket.io/"), "ana") as ana:
            assert await ana.enter("lobby", event="open-room") is True


async def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    options = ("--rtcmulticonnection", "--rtcmulticonnection-files", str(tmp_path / "none"))
    async with python("-m", "peer.cli", "serve", "--port", "0", *options, stderr=asyncio.subprocess.PIPE) as server:
        status, _ = await server.end()
    assert status == 2
    assert "rtcmulticonnection_files must be a folder" in server.errors
    assert "Traceback" not in server.errors


async def test_pages_meet_each_other_and_ours_whichever_node_they_are_at(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        database = Database(tmp_path, stack)
        await database.start()
        servers = [SignalingServer(rtcmulticonnection=True, redis=database.url) for _ in range(2)]
        first, second = [await stack.enter_async_context(listening(server)) for server in servers]
        client, _ = await bot_in(first)
        ana = await stack.enter_async_context(page(first.url, "ana"))
        bo = await stack.enter_async_context(page(second.url, "bo", extra={"is": "bo"}))
        assert await ana.enter("lobby") is True
        assert await bo.enter("lobby") is True
        assert [(await heard(client, RemoteUserJoin)).user for _ in range(2)] == ["ana", "bo"]
        await bo.speak("lobby", {"newParticipationRequest": True})
        await ana.until_message("bo", "newParticipationRequest")
        await bo.until_message("bot", "newParticipationRequest")
        assert await servers[0].kick("lobby", "bo", "enough") is not None
        await asyncio.gather(bo.until("disconnect"), ana.until("user-disconnected", "bo"))
        left = await heard(client, RemoteUserLeave)
        assert (left.user, left.reason, left.extra) == ("bo", Reason.KICKED, {"is": "bo"})
        assert {told[1]["sender"] for told in bo.events(MESSAGE_EVENT)} == {"bot"}
