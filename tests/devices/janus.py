"""A real Janus (Debian's) for tests, on loopback: VideoRoom over WebSocket, and nothing else of it.

async with janus_server() as janus:
    ... janus.url ...
    await janus.kill()       # as a crash does it
    await janus.start()      # at the same address, having forgotten everything
"""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from signaling.janus.failures import JanusFailure
from signaling.janus.session import JanusSession
from tests.devices.tools import end, need

START_LIMIT = 30.0  # seconds
HOST = "127.0.0.1"
RECLAIM = 10  # seconds for which a session is kept whose WebSocket is lost
LIBRARIES = next(Path("/usr/lib").glob("*/janus"), Path("/usr/lib/janus"))  # by the machine's kind

_CORE = """\
general: {{
    configs_folder = "{folder}"
    plugins_folder = "{libraries}/plugins"
    transports_folder = "{libraries}/transports"
    events_folder = "{folder}"
    loggers_folder = "{folder}"
    debug_level = 4
    debug_colors = false
    session_timeout = 60
    reclaim_session_timeout = {reclaim}
    server_name = "test"
    hide_dependencies = true
}}
media: {{
    ipv6 = false
}}
nat: {{
    ice_lite = false
    full_trickle = {trickles}
    ice_enforce_list = "{interfaces}"
}}
plugins: {{
    disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,\
libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,\
libjanus_voicemail.so"
}}
transports: {{
    disable = "libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so"
}}
"""
_SOCKETS = """\
general: {{
    json = "compact"
    ws = true
    ws_ip = "{host}"
    ws_port = {port}
    wss = false
}}
admin: {{
    admin_ws = false
    admin_wss = false
}}
"""
_VIDEOROOM = """\
general: {{
    admin_key = "{admin_key}"
}}
"""


@dataclass
class Janus:
    """A Janus that can be killed, frozen and started again. `admin_key`: what is asked of who makes rooms."""

    folder: Path
    port: int
    admin_key: str
    _running: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address of its WebSocket API."""
        return f"ws://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._running is not None
        return self._running.pid

    async def start(self) -> None:
        """Start it, with no room; return once it answers."""
        assert self._running is None
        binary = need("janus", "janus")
        with (self.folder / "log").open("ab") as log:
            self._running = await asyncio.create_subprocess_exec(
                binary, f"--configs-folder={self.folder}", stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            async with asyncio.timeout(START_LIMIT):
                while not await self._answers():
                    assert self._running.returncode is None
                    await asyncio.sleep(0.05)
        except (TimeoutError, AssertionError):
            await self.stop()
            raise AssertionError(f"Janus does not start: {self.log()[-1500:]}") from None

    async def stop(self) -> None:
        """End it, as who runs it does."""
        running, self._running = self._running, None
        if running is not None:
            if running.returncode is None:
                running.send_signal(signal.SIGCONT)  # one that is frozen does not hear
            await end(running)

    async def kill(self) -> None:
        """End it, as a crash does."""
        running, self._running = self._running, None
        assert running is not None
        running.kill()
        await running.wait()

    def freeze(self) -> None:
        """Say and answer nothing from now on."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        assert self._running is not None
        self._running.send_signal(signal.SIGCONT)

    def log(self) -> str:
        """Return what it has written."""
        return (self.folder / "log").read_text(errors="replace")

    async def _answers(self) -> bool:
        session = JanusSession(self.url)
        try:
            await session.open()
        except JanusFailure:
            return False
        finally:
            await session.close()
        return True


@asynccontextmanager
async def janus_server(
    *, admin_key: str = "let-us-make-rooms", reclaim: int = RECLAIM, trickles: bool = False
) -> AsyncIterator[Janus]:
    """Run a Janus for the length of the block. `reclaim`: seconds for which it keeps a session without a socket.

    `trickles`: it says its ICE candidates one by one, and not in its descriptions.
    """
    need("janus", "janus")
    with TemporaryDirectory(prefix="exeunt-janus-") as name:
        janus = Janus(Path(name), _free_port(), admin_key)
        values = {"folder": name, "libraries": LIBRARIES, "host": HOST, "port": janus.port, "reclaim": reclaim}
        values |= {"trickles": str(trickles).lower(), "admin_key": admin_key, "interfaces": "lo,eth,10.,192.168.,172."}
        for file, text in (("", _CORE), (".transport.websockets", _SOCKETS), (".plugin.videoroom", _VIDEOROOM)):
            (janus.folder / f"janus{file}.jcfg").write_text(text.format(**values))
        try:
            await janus.start()
            yield janus
        finally:
            await janus.stop()


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as one:
        return int(one.getsockname()[1])
