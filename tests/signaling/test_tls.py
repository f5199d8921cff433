"""TLS with certificates of an authority of our own."""

import asyncio
import contextlib
import ssl
import warnings
from pathlib import Path

import aiohttp
import pytest

from signaling import SignalingServer
from signaling.messages import NeedOffer
from signaling.tls import Certificate
from tests.authority import Authority
from tests.leaks import Held, held
from tests.signaling.client import PATIENCE, Client
from tests.signaling.test_door import is_cut


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def subject(host: str, port: int, trusting: ssl.SSLContext) -> str:
    """Return the name on the certificate that a server shows, once both ends are closed.

    A server that ends before it has read how we shake hands leaves its own end to the loop.
    """
    before = held()
    try:
        _, writer = await asyncio.open_connection(host, port, ssl=trusting)
        names = writer.get_extra_info("peercert")["subject"]
        writer.transport.abort()
        return str(names[0][0][1])
    finally:
        await until_closed(before)


async def until_closed(before: Held) -> None:
    async with asyncio.timeout(PATIENCE):
        while held() - before:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_rooms_over_tls(authority: Authority) -> None:
    tls = Certificate(*authority.issue("here"))
    async with SignalingServer().listen(ssl_context=tls.context) as site, aiohttp.ClientSession() as http:
        assert site.ws_url.startswith("wss://127.0.0.1:")
        client = Client(await http.ws_connect(site.ws_url, ssl=authority.trusting()))
        await client.join("ana")
        await client.say(NeedOffer(user="ana"))
        await client.hear_a(NeedOffer)
        await client.socket.close()


async def test_who_does_not_trust_the_authority_does_not_connect(authority: Authority) -> None:
    tls = Certificate(*authority.issue("here"))
    async with SignalingServer().listen(ssl_context=tls.context) as site:
        with pytest.raises(ssl.SSLCertVerificationError):
            await subject(site.host, site.port, ssl.create_default_context())


async def test_old_versions_of_tls_are_refused(authority: Authority) -> None:
    tls = Certificate(*authority.issue("here"))
    old = authority.trusting()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    async with SignalingServer().listen(ssl_context=tls.context) as site:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await subject(site.host, site.port, old)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert await subject(site.host, site.port, old) == "here"


async def test_a_renewed_certificate_is_used_from_the_next_connection_on(authority: Authority) -> None:
    files = authority.issue("first")
    tls = Certificate(*files)
    async with SignalingServer().listen(ssl_context=tls.context) as site, aiohttp.ClientSession() as http:
        client = Client(await http.ws_connect(site.ws_url, ssl=authority.trusting()))
        await client.join("ana")
        for old, new in zip(files, authority.issue("second"), strict=True):
            new.replace(old)
        tls.reload()
        assert await subject(site.host, site.port, authority.trusting()) == "second"
        await client.say(NeedOffer(user="ana"))
        await client.hear_a(NeedOffer)  # over the connection that was there
        await client.socket.close()


async def test_a_certificate_that_does_not_fit_its_key_leaves_the_former_in_use(authority: Authority) -> None:
    certificate, key = authority.issue("here")
    tls = Certificate(certificate, key)
    other, _ = authority.issue("other")
    other.replace(certificate)
    with pytest.raises(ValueError, match="cannot be used"):
        tls.reload()
    async with SignalingServer().listen(ssl_context=tls.context) as site:
        assert await subject(site.host, site.port, authority.trusting()) == "here"


def test_a_certificate_and_its_key_may_be_in_one_file(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("here")
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    assert Certificate(both).context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_what_is_no_certificate_is_refused_in_one_sentence(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("here", password=b"secret")
    with pytest.raises(ValueError, match="cannot be used"):
        Certificate(certificate, key)
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        Certificate(tmp_path / "nowhere.pem")
    key.write_text("nothing")
    with pytest.raises(ValueError, match="cannot be used"):
        Certificate(certificate, key)


async def test_who_connects_and_does_not_shake_hands_is_cut_off(authority: Authority) -> None:
    tls = Certificate(*authority.issue("here"))
    server = SignalingServer(handshake_timeout=0.2)
    async with server.listen(ssl_context=tls.context) as site, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(site.host, site.port)
        writer.write(b"\x16\x03\x01")  # the beginning of a ClientHello
        assert await is_cut(reader)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_connections_over_tls_are_counted_until_they_are_websockets(authority: Authority) -> None:
    tls = Certificate(*authority.issue("here"))
    server = SignalingServer(pending_per_address=1, handshake_timeout=30)
    async with server.listen(ssl_context=tls.context) as site, aiohttp.ClientSession() as http:
        for user in ("ana", "ben"):
            client = Client(await http.ws_connect(site.ws_url, ssl=authority.trusting()))
            await client.join(user)
        assert server._sockets.gate.pending == 0
        before = held()
        _, writer = await asyncio.open_connection(site.host, site.port, ssl=authority.trusting())
        async with asyncio.timeout(PATIENCE):
            while not server._sockets.gate.pending:  # noqa: ASYNC110 - in TLS 1.3 our hands are shaken before theirs
                await asyncio.sleep(0)
        with pytest.raises(aiohttp.ClientError):
            await http.ws_connect(site.ws_url, ssl=authority.trusting())
        writer.transport.abort()
        await until_closed(before)
