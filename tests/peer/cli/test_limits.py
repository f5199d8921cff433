"""The limits of `exeunt serve`, given on the command line."""

import aiohttp
import pytest

from tests.command import exeunt
from tests.signaling.client import PATIENCE


async def test_a_limit_given_on_the_command_line_holds() -> None:
    options = ("--max-connections", "1", "--trusted-proxy", "127.0.0.0/8", "--trusted-proxy", "10.0.0.0/8")
    async with exeunt("serve", "--port", "0", "--json", *options) as server:
        url = str((await server.until("join"))["text"])
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as http:
            async with http.ws_connect(url):
                with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                    await http.ws_connect(url)
            assert caught.value.status == 503


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--trusted-proxy", "proxy.example.org"), "trusted_proxies must look like 10.0.0.0/8"),
        (("--max-connections", "-1"), "--max-connections"),
        (("--outbox-bytes", "0"), "--outbox-bytes"),
        (("--join-timeout", "inf"), "join_timeout must be 0 (no limit) or more"),
    ],
)
async def test_a_limit_that_cannot_be_is_said_in_one_line(options: tuple[str, ...], text: str) -> None:
    async with exeunt("serve", "--port", "0", "--json", *options) as server:
        status, out = await server.end()
    assert status == 2
    assert text in out


async def test_who_says_that_it_is_insecure_may_listen_everywhere_without_a_key() -> None:
    async with exeunt("serve", "--host", "0.0.0.0", "--port", "0", "--json", "--insecure") as server:
        assert "whoever can reach it" in str((await server.until("access"))["text"])
