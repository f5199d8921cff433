"""`exeunt serve`: rooms until a signal comes."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from peer.cli.output import Output
from peer.errors import ExeuntError, UsageError
from peer.signals import first_signal
from signaling.config import SignalingConfig
from signaling.server import SignalingServer, Site, check_exposure


async def run_server(
    output: Output,
    *,
    host: str,
    port: int,
    seconds: float | None,
    config: SignalingConfig,
) -> None:
    """Serve until a signal or the given time; then everybody is told `server_shutdown`."""
    over = asyncio.Event()
    with first_signal(lambda _: over.set()):
        async with listening(SignalingServer(config), config, host, port) as site:
            output.fact("watch", f"{site.url}/ROOM in a browser")
            output.fact("join", f"{site.url.replace('http', 'ws', 1)}/ws")
            if config.key is None:
                output.fact("access", "this machine only, and everybody may do everything (no --key)")
            if seconds is not None:
                asyncio.get_running_loop().call_later(seconds, over.set)
            await over.wait()
    output.fact("closed", "everybody was told")


@asynccontextmanager
async def listening(server: SignalingServer, config: SignalingConfig, host: str, port: int) -> AsyncIterator[Site]:
    """Serve inside the block. Raises `UsageError` for an exposed server without a key, `ExeuntError` for a bad port."""
    try:
        check_exposure(host, config)
    except ValueError as error:
        raise UsageError(str(error)) from None
    listening = server.listen(host, port)
    try:
        site = await listening.__aenter__()
    except OSError as error:
        raise ExeuntError(_listen_failure(error, host, port)) from None
    try:
        yield site
    finally:
        await listening.__aexit__(None, None, None)


def _listen_failure(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} at {host} is in use: choose another with --port, or 0 for any"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} needs more rights: choose one above 1023 with --port"
    return f"cannot listen at {host} port {port}: {error.strerror or error}"
