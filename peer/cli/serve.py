"""`exeunt serve`: rooms until a signal comes."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from peer.cli.output import Output
from peer.cli.running import reloading
from peer.errors import ExeuntError, UsageError
from peer.signals import first_signal
from signaling.config import SignalingConfig
from signaling.keys import FULL_KEY
from signaling.server import SignalingServer, Site, check_exposure
from signaling.tls import Certificate


async def run_server(
    output: Output,
    config: SignalingConfig,
    *,
    host: str,
    port: int,
    seconds: float | None,
    tls: Certificate | None = None,
    is_insecure: bool = False,
    is_whip: bool = False,
) -> None:
    """Serve until a signal or the given time; then everybody is told `server_shutdown`, or handed over."""
    over = asyncio.Event()
    with first_signal(lambda _: over.set()), reloading(tls):
        server = _server(config)
        if is_whip:
            _take_whip(server)
        async with listening(server, config, host, port, tls, is_insecure=is_insecure) as site:
            output.fact("watch", f"{site.url}/ROOM in a browser")
            output.fact("join", f"{site.url.replace('http', 'ws', 1)}/ws")
            output.fact("operate", f"{site.url}/admin")
            if is_whip:
                output.fact("whip", f"{site.url}/whip/ROOM and {site.url}/whep/ROOM/USER")
            if config.rtcmulticonnection:
                output.fact("rtcmulticonnection", f"{site.url}/socket.io/")
            if not config.all_keys:
                who = "whoever can reach it" if is_insecure else "this machine only"
                output.fact("access", f"{who}, and everybody may do everything (no --key)")
            if any(key.is_weak for key in config.all_keys):
                output.fact("key", f"it is short: a secret should have at least {FULL_KEY} bytes")
            if seconds is not None:
                asyncio.get_running_loop().call_later(seconds, over.set)
            await over.wait()
    output.fact("closed", _farewell(config))


def _farewell(config: SignalingConfig) -> str:
    if config.redis is not None:
        return "everybody goes on at the other nodes"
    return "everybody was told" if config.state is None else "everybody can come back for a while"


@asynccontextmanager
async def listening(
    server: SignalingServer,
    config: SignalingConfig,
    host: str,
    port: int,
    tls: Certificate | None = None,
    *,
    is_insecure: bool = False,
) -> AsyncIterator[Site]:
    """Serve inside the block. Raises `UsageError` for an exposed server without a key, `ExeuntError` for a bad port."""
    if not is_insecure:
        _check(host, config)
    context = None if tls is None else tls.context
    listening = server.listen(host, port, ssl_context=context, exposed=is_insecure)
    try:
        site = await listening.__aenter__()
    except OSError as error:
        raise ExeuntError(_listen_failure(error, host, port)) from None
    try:
        yield site
    finally:
        await listening.__aexit__(None, None, None)


def _check(host: str, config: SignalingConfig) -> None:
    try:
        check_exposure(host, config)
    except ValueError as error:
        raise UsageError(f"{error}; --insecure lets everybody in all the same") from None


def _server(config: SignalingConfig) -> SignalingServer:
    try:
        return SignalingServer(config)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _take_whip(server: SignalingServer) -> None:
    from peer.gateways.whip import add_whip  # takes a moment, which only they need wait who want it

    add_whip(server)


def _listen_failure(error: OSError, host: str, port: int) -> str:
    if error.errno is None:
        return str(error)  # not of the address
    if error.errno == errno.EADDRINUSE:
        return f"port {port} at {host} is in use: choose another with --port, or 0 for any"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} needs more rights: choose one above 1023 with --port"
    return f"cannot listen at {host} port {port}: {error.strerror or error}"
