"""Peers acknowledge that they are out: whoever kicks or dismisses learns who heard it."""

import asyncio
from collections.abc import Callable

import aiohttp
import pytest

from peer import Peer, Reason, UsageError
from signaling.calls import Told
from signaling.config import SignalingConfig
from signaling.messages import Join as JoinMessage, encode
from signaling.server import SignalingServer, Site
from signaling.tokens import make

Join = Callable[..., "asyncio.Future[Peer]"]
KEY = "a key of thirty-two letters, sure"
TOKEN = make(KEY, grants=["moderate"])


@pytest.fixture
def server_config() -> SignalingConfig:
    return SignalingConfig(grace=5.0, key=KEY)


async def test_whoever_is_kicked_and_those_who_stay_acknowledge_it(join: Join, server: SignalingServer) -> None:
    ana, bo = [await join(user, token=TOKEN) for user in ("ana", "bo")]
    told = await server.kick("lobby", "bo", "too loud")
    assert told is not None
    assert (sorted(told.told), told.unacknowledged) == (["ana", "bo"], [])
    assert (await bo.wait_exited()).reason is Reason.KICKED
    assert await server.dismiss("lobby") == Told(told=["ana"], unacknowledged=[])
    assert (await ana.wait_exited()).reason is Reason.DISMISSED


@pytest.mark.parametrize(("wait", "unacknowledged"), [("everyone", ("old",)), ("server", ())])
async def test_who_dismisses_and_waits_learns_who_did_not_acknowledge_it(
    join: Join, site: Site, wait: str, unacknowledged: tuple[str, ...]
) -> None:
    """`old` is a client that knows nothing of acknowledgements."""
    ana, bo = [await join(user, token=TOKEN) for user in ("ana", "bo")]
    async with aiohttp.ClientSession() as http, http.ws_connect(site.ws_url) as old:
        await old.send_str(encode(JoinMessage(room="lobby", user="old", token=TOKEN)).decode())
        assert "joined" in await old.receive_str()
        with pytest.raises(UsageError, match="wait"):
            await ana.dismiss(wait="somebody")  # type: ignore[arg-type] # that is what is tested
        report = await ana.dismiss("good night", wait=wait)  # type: ignore[arg-type] # one of those that there are
        assert (report.reason, report.text, report.unacknowledged) == (Reason.DISMISSED, "good night", unacknowledged)
        assert (await bo.wait_exited()).reason is Reason.DISMISSED
        while (frame := await old.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
            last = frame.data
        assert ('"wantsAck":true' in last) == (wait == "everyone")
        assert frame.type is aiohttp.WSMsgType.CLOSE
