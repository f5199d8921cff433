"""How a node is let in by its Redis: by TLS, a certificate and a password; and what is said if it is not."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signaling.bus.redis import RedisBus
from signaling.cluster.acts import Claim
from signaling.cluster.start import make_node
from signaling.config import SignalingConfig
from signaling.observer import Observers
from tests.authority import Authority
from tests.devices.tools import need, process
from tests.signaling.cluster.servers import PATIENCE, until
from tests.signaling.cluster.test_bus import PREFIX, Ear


@contextlib.asynccontextmanager
async def secured(folder: Path, authority: Authority) -> AsyncIterator[str]:
    """Run a Redis that speaks TLS alone, with who has a certificate and knows the password; yields its address."""
    certificate, key = map(str, authority.issue("redis"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ("--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "")
    tls = ("--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", str(authority.certificate))
    binary = need("redis-server", "redis-server")
    async with process(binary, *options, *tls, "--requirepass", "p/w", stdout=asyncio.subprocess.PIPE) as running:
        assert running.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while b"Ready to accept" not in (line := await running.stdout.readline()):
                assert line, "it has ended"
        yield f"127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def started(url: str) -> AsyncIterator[tuple[RedisBus, Ear]]:
    bus, ear = RedisBus(url, prefix=PREFIX, node="one"), Ear()
    await bus.start(ear)
    try:
        yield bus, ear
    finally:
        await bus.close()


async def test_a_node_is_let_in_by_certificate_and_password_and_told_why_it_is_not(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("us")
    trust = f"ssl_ca_certs={authority.certificate}"
    ours = f"ssl_certfile={certificate}&ssl_keyfile={key}"
    async with secured(tmp_path, authority) as at:
        for url in (f"rediss://default:p%2Fw@{at}/3?{trust}&{ours}", f"rediss://:p%2Fw@{at}?ssl_cert_reqs=none&{ours}"):
            async with started(url) as (bus, ear):
                assert await bus.owner_of("42") is None  # each database is another cluster
                bus.put(Claim("42"))
                await until(lambda ear=ear: bool(ear.claims), "it is claimed")
                assert await bus.owner_of("42") == "one"
        for url, why in (
            (f"rediss://:wrong@{at}?{trust}&{ours}", "password"),
            (f"rediss://{at}?{trust}&{ours}", "Authentication required"),
            (f"rediss://:p%2Fw@{at}?{trust}", "certificate|closed|reset|lost|pipe"),  # whoever of both is quicker
            (f"rediss://:p%2Fw@{at}?{ours}", "certificate"),
            (f"rediss://:p%2Fw@{at}?{trust}&{ours}".replace("127.0.0.1", "localhost"), "hostname"),  # it is for another
            (f"rediss://:p%2Fw@{at}?ssl_ca_certs={tmp_path}/none.pem", "No such file"),
            (f"redis://:p%2Fw@{at}", "closed|reset|lost|pipe"),
        ):
            with pytest.raises(OSError, match=f"^Redis does not answer: .*(?i:{why})"):
                async with started(url):
                    raise AssertionError(url)


@pytest.mark.parametrize(
    "url",
    ["redis://:p/w@example.org", "redis://example.org?perhaps=1", "redis://example.org?retry=1", "redis://["],
)
def test_a_url_that_is_none_of_a_redis_is_refused_with_what_it_must_look_like(url: str) -> None:
    with pytest.raises(ValueError, match=r"^redis must look like redis://example\.org:6379/0"):
        make_node(SignalingConfig(redis=url), Observers())


def test_without_the_package_a_server_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for ours in ("signaling.bus.redis", "signaling.bus.line"):
        monkeypatch.delitem(sys.modules, ours, raising=False)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)  # as if it were not there
    with pytest.raises(ValueError, match=r"redis takes the package redis.*: pip install 'exeunt\[redis\]'"):
        make_node(SignalingConfig(redis="redis://example.org"), Observers())
