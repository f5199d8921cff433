"""`exeunt publish --reconnect` to a WHIP endpoint: every loss is followed by a new session, until a signal."""

import signal
from collections.abc import AsyncIterator

import pytest

from tests.command import exeunt
from tests.peer.whip.plain_server import Plain, serving


@pytest.fixture
async def plain() -> AsyncIterator[Plain]:
    async with serving() as plain:
        yield plain


async def test_every_loss_is_followed_by_a_new_offer_until_a_signal(plain: Plain) -> None:
    plain.refuses = 1  # the server is not ready yet
    arguments = (f"{plain.url}/whip", "--test", "--size", "160x120", "--fps", "10", "--json")
    async with exeunt("publish", *arguments, "--reconnect", "--longest-wait", "1") as kiosk:
        assert "HTTP 500" in str((await kiosk.until("waits"))["text"])
        await kiosk.until("sends")
        await plain.until(lambda: len(plain.pictures) > 2)
        plain.delete_status = 500
        await plain.lose()  # the network, or a server that died
        assert (await kiosk.until("exitRoom"))["reason"] == "network_lost"
        assert "out of the room (network_lost); again in" in str((await kiosk.until("waits"))["text"])
        await kiosk.until("sends")
        plain.delete_status = None
        await plain.until_connected()
        await plain.hang_up()  # the server wants it
        assert (await kiosk.until("exitRoom"))["reason"] == "kicked"
        await kiosk.until("sends")
        kiosk.signal(signal.SIGTERM)
        assert (await kiosk.exited())["reason"] == "left"
    asked = [one.split()[0] for one in plain.asked if not one.startswith("OPTIONS")]
    assert asked == ["POST", "POST", "DELETE", "DELETE", "POST", "DELETE", "POST", "DELETE"]  # asked again after a 500
