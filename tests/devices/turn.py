"""A real TURN server (coturn) for tests, which can be frozen as a dead one is: it takes packets and says nothing."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from signaling.messages import IceServer
from tests.devices.tools import need, process

START_LIMIT = 30.0  # seconds
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Turn:
    """A running server."""

    running: asyncio.subprocess.Process
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"turn:{HOST}:{self.port}"

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
async def turn_server(secret: str | None = None) -> AsyncIterator[Turn]:
    """Run coturn on a free port of loopback for the length of the block.

    With a secret it takes time-limited credentials that are made with it, and no others.
    """
    who = "--user=ana:secret --lt-cred-mech" if secret is None else f"--use-auth-secret --static-auth-secret={secret}"
    with TemporaryDirectory() as folder:
        port = _free_port()
        options = f"-n --listening-ip={HOST} --relay-ip={HOST} --listening-port={port} {who} --realm=test"
        more = f"--no-cli --no-tls --no-dtls --allow-loopback-peers --pidfile={folder}/pid"
        command = [need("turnserver", "coturn"), *options.split(), *more.split(), f"--userdb={folder}/db"]
        async with process(*command, "--log-file=stdout", stdout=asyncio.subprocess.DEVNULL, cwd=folder) as running:
            turn = Turn(running, port)
            try:
                await _wait_until_it_listens(port, Path(folder))
                yield turn
            finally:
                turn.thaw()


def _free_port() -> int:
    """Return a port that nobody has: neither for TCP, nor, as a browser's media may, for UDP."""
    while True:
        with socket.create_server((HOST, 0)) as one, socket.socket(type=socket.SOCK_DGRAM) as other:
            port = int(one.getsockname()[1])
            with suppress(OSError):
                other.bind((HOST, port))
                return port


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
