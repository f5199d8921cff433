"""A real TURN server (coturn) for tests, which can be frozen as a dead one is: it takes packets and says nothing."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from signaling.messages import IceServer
from tests.devices.tools import need, process

START_LIMIT = 10.0  # seconds
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Turn:
    """A running server."""

    running: asyncio.subprocess.Process
    port: int

    def ice_server(self, transport: str) -> IceServer:
        """Return how to use it by "udp" or "tcp"."""
        url = f"turn:{HOST}:{self.port}?transport={transport}"
        return IceServer(urls=[url], username="ana", credential="secret")

    def freeze(self) -> None:
        """Answer nothing from now on."""
        self.running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Answer again."""
        self.running.send_signal(signal.SIGCONT)


@asynccontextmanager
async def turn_server() -> AsyncIterator[Turn]:
    """Run coturn on a free port of loopback for the length of the block."""
    with TemporaryDirectory() as folder:
        port = _free_port()
        options = f"-n --listening-ip={HOST} --relay-ip={HOST} --listening-port={port} --user=ana:secret --realm=test"
        more = f"--lt-cred-mech --no-cli --no-tls --no-dtls --allow-loopback-peers --pidfile={folder}/pid"
        command = [need("turnserver", "coturn"), *options.split(), *more.split(), f"--userdb={folder}/db"]
        async with process(*command, "--log-file=stdout", stdout=asyncio.subprocess.DEVNULL, cwd=folder) as running:
            turn = Turn(running, port)
            try:
                await _wait_until_it_listens(port, Path(folder))
                yield turn
            finally:
                turn.thaw()


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as one:
        return int(one.getsockname()[1])


async def _wait_until_it_listens(port: int, folder: Path) -> None:
    async with asyncio.timeout(START_LIMIT):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
