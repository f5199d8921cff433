"""The command line as its users meet it: what it prints, and what signals do to it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peer import Peer, Reason
from peer.capture import Camera, Device, Microphone, Screen, TestPattern
from peer.cli.demo import candidates
from signaling.server import SignalingServer, Site
from tests.command import Command, exeunt
from tests.devices.xvfb import screen
from tests.journal import Journal

LIMIT = 20.0  # seconds


async def run(*arguments: str) -> tuple[int, str]:
    async with exeunt(*arguments) as command:
        return await command.end()


def words(said: str) -> list[str]:
    """Return the lines of an output, without the spaces that align them."""
    return [" ".join(line.split()) for line in said.splitlines()]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with SignalingServer().listen() as site:
        yield site


async def test_a_server_says_where_it_is_and_tells_everybody_when_it_goes() -> None:
    async with exeunt("serve", "--port", "0", "--json") as server:
        await server.until("watch")
        url = str((await server.until("join"))["text"])
        async with Peer(url, room="lobby", user="ana") as ana:
            server.signal(signal.SIGTERM)
            assert (await ana.wait_exited()).reason is Reason.SERVER_SHUTDOWN
        status, _ = await server.end()
        assert status == 0


async def test_rooms_kick_and_dismiss(site: Site) -> None:
    assert (await run("rooms", site.ws_url))[1].split() == ["none", "nobody", "is", "in", "any", "room"]
    async with Peer(site.ws_url, room="lobby", user="ana") as ana, Peer(site.ws_url, room="lobby", user="bo") as bo:
        assert (await run("rooms", site.ws_url))[1].split() == ["lobby", "ana,", "bo"]
        status, said = await run("kick", site.ws_url, "lobby", "bo", "cem", "--text", "enough")
        assert status == 0
        assert words(said) == ["kicked bo is out of lobby", "told ana", "missing cem was not in lobby"]
        assert (await bo.wait_exited()).text == "enough"
        status, said = await run("dismiss", site.ws_url, "lobby")
        assert (status, words(said)) == (0, ["closed room lobby is closed", "told ana"])
        assert (await ana.wait_exited()).reason is Reason.DISMISSED


async def test_create_message_mute_and_move(site: Site) -> None:
    assert words((await run("create", site.ws_url, "attic", "--capacity", "1"))[1]) == [
        "open room attic is open for 1 users"
    ]
    status, said = await run("create", site.ws_url, "attic", "--capacity", "2")
    assert (status, said) == (1, "")
    async with Peer(site.ws_url, room="lobby", user="ana"), Peer(site.ws_url, room="lobby", user="bo"):
        status, said = await run("message", site.ws_url, "lobby", "notice", "closing soon", "--to", "bo")
        assert (status, words(said)) == (0, ["sent notice to bo", "told bo"])
        status, said = await run("message", site.ws_url, "lobby", "notice", "--data", '{"minutes": 5}')
        assert (status, words(said)) == (0, ["sent notice to everybody in lobby", "told ana, bo"])
        status, said = await run("mute", site.ws_url, "lobby", "ana", "--text", "hum")
        assert (status, words(said)) == (0, ["muted ana was asked to send no audio", "told ana"])
        status, said = await run("move", site.ws_url, "lobby", "bo", "attic")
        assert (status, words(said)) == (0, ["moved bo is in attic now", "told ana"])
        assert (await run("move", site.ws_url, "lobby", "ana", "attic"))[0] == 1


async def test_the_admin_key_does_where_a_token_would() -> None:
    key = "an-admin-key-for-the-tests"
    async with exeunt("serve", "--port", "0", "--admin-key", key, "--json") as server:
        url = str((await server.until("join"))["text"])
        assert str((await server.until("operate"))["text"]).endswith("/admin")
        assert (await run("rooms", url))[0] == 1
        assert (await run("rooms", url, "--token", key))[0] == 0


async def test_a_demo_ends_by_itself_when_its_time_is_over() -> None:
    surroundings = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    async with exeunt("demo", "--port", "0", "--for", "1", "--json", environment=surroundings) as demo:
        assert (await demo.exited())["reason"] == "left"


async def test_a_demo_takes_the_screen_if_there_is_no_camera_and_says_so(tmp_path: Path) -> None:
    async with screen(320, 180, moving=False) as display:
        surroundings = {**os.environ, "DISPLAY": display}
        async with exeunt("demo", "--port", "0", "--json", environment=surroundings) as demo:
            assert str((await demo.until("watch"))["text"]).endswith("/demo")
            assert str((await demo.until("sends"))["text"]).startswith(f"screen {display}, 320x180 at 30 fps")
            demo.signal(signal.SIGINT)
            left = await demo.until("exitRoom")
            assert left["reason"] == "left"


@pytest.mark.parametrize(
    ("kinds", "labels"),
    [
        ("camera microphone screen", [[Camera, Microphone], [Screen, Microphone], [TestPattern]]),
        ("camera", [[Camera], [TestPattern]]),
        ("screen", [[Screen], [TestPattern]]),
        ("microphone", [[TestPattern]]),
        ("", [[TestPattern]]),
    ],
)
def test_a_demo_prefers_the_camera_then_the_screen_then_the_pattern(kinds: str, labels: list[list[type]]) -> None:
    devices = [Device(kind, kind, kind) for kind in kinds.split()]
    assert [[type(source) for source in choice] for choice in candidates(devices)] == labels


async def test_the_report_for_people_names_each_step_and_each_device(site: Site) -> None:
    status, said = await run("publish", site.ws_url, "lobby", "--test", "--size", "320x180", "--for", "0.5")
    assert status == 0
    for words in ("in room lobby as publisher", "test pattern", "verified", "acknowledged", "connections closed"):
        assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_the_first_signal_leaves_properly(site: Site, number: signal.Signals) -> None:
    journal = Journal()
    ana = Peer(site.ws_url, room="lobby", user="ana")
    ana.on_remote_user_leave(lambda event: journal.add("ana", event))
    async with ana, exeunt("publish", site.ws_url, "lobby", "--test", "--size", "320x180", "--json") as kiosk:
        await kiosk.until("sends")
        kiosk.signal(number)
        left = await kiosk.until("exitRoom")
        assert (left["reason"], left["text"]) == ("left", number.name)
        assert (await kiosk.end())[0] == 0
        await journal.until("ana", "remoteUserLeave publisher left")


async def test_the_second_signal_ends_the_process_at_once(tmp_path: Path) -> None:
    """The server hangs, so that leaving would take its full second for the notice."""
    async with exeunt("serve", "--port", "0", "--json") as server:
        url = str((await server.until("join"))["text"])
        async with exeunt("publish", url, "lobby", "--test", "--json") as kiosk:
            await kiosk.until("sends")
            server.signal(signal.SIGSTOP)
            try:
                _both(kiosk)
                status, said = await kiosk.end()
            finally:
                server.signal(signal.SIGCONT)
        assert status in (128 + signal.SIGINT, 128 + signal.SIGTERM)
        assert "exitRoom" not in said


def _both(kiosk: Command) -> None:
    """Send two signals of which none is late: the first one's exit cannot be over before the second comes.

    They are of two kinds, as two of the same that have not been handled yet are one. The kernel chooses the order.
    """
    for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
        kiosk.signal(number)


@pytest.mark.parametrize("options", [["--json"], []])
async def test_when_nobody_reads_the_output_any_more_it_leaves(site: Site, options: list[str]) -> None:
    journal = Journal()
    ana = Peer(site.ws_url, room="lobby", user="ana")
    ana.on_remote_user_leave(lambda event: journal.add("ana", event))
    async with ana, exeunt("publish", site.ws_url, "lobby", "--test", "--size", "320x180", *options) as kiosk:
        while "sends" not in await kiosk.line():
            pass
        kiosk.running._transport.get_pipe_transport(1).close()
        async with Peer(site.ws_url, room="lobby", user="bo"):  # something to be printed
            await journal.until("ana", "remoteUserLeave publisher left")
        async with asyncio.timeout(LIMIT):
            assert await kiosk.running.wait() == 1


async def test_a_signal_while_connecting_ends_without_a_traceback() -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await over.wait()
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    connected, over, hung_up = asyncio.Event(), asyncio.Event(), asyncio.Event()
    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}/ws"
    try:
        async with exeunt("publish", url, "lobby", "--test") as kiosk:
            async with asyncio.timeout(LIMIT):
                await connected.wait()
            kiosk.signal(signal.SIGINT)
            status, said = await kiosk.end()
            assert (status, said) == (130, "")
    finally:
        over.set()
        await hung_up.wait()
        listener.close()
        await listener.wait_closed()
