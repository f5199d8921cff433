"""A microphone without a sound card, for tests: a private PulseAudio whose default source hears a tone.

async with microphone(tone=440) as sound:
    ... run a program with the environment sound.environment, or set it in this process ...
    await sound.listeners()      # how many programs have the microphone open
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.devices.tools import need, process

START_LIMIT = 30.0  # seconds
ASK_LIMIT = 20.0  # seconds
TONE_SECONDS = 120
RATE = 48_000

_SCRIPT = """\
load-module module-native-protocol-unix auth-anonymous=1 socket={folder}/pulse/native
load-module module-null-sink sink_name=speaker rate=48000 channels=2
load-module module-virtual-source source_name=mic master=speaker.monitor channels=2
set-default-sink speaker
set-default-source mic
"""


@dataclass(frozen=True)
class Sound:
    """A running private sound server."""

    environment: Mapping[str, str]

    async def listeners(self) -> int:
        """Return how many programs have the microphone open."""
        # the virtual source itself listens to the sink's monitor
        return len([line for line in (await self._ask("list", "short", "source-outputs")).splitlines() if line]) - 1

    async def wait_until_it_plays(self) -> None:
        """Return as soon as there is somebody who plays sound."""
        async with asyncio.timeout(START_LIMIT):
            while not await self._ask("list", "short", "sink-inputs"):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.02)

    async def _ask(self, *arguments: str) -> str:
        asked = await asyncio.create_subprocess_exec(
            need("pactl", "pulseaudio-utils"),
            *arguments,
            env=dict(self.environment),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(ASK_LIMIT):
            output, _ = await asked.communicate()
        return output.decode()

    async def wait_until_it_answers(self, server: asyncio.subprocess.Process, log: Path) -> None:
        """Return as soon as the server answers; fail with its own words if it ends or does not."""
        try:
            async with asyncio.timeout(START_LIMIT):
                while "Server Name" not in await self._ask("info"):
                    assert server.returncode is None
        except (TimeoutError, AssertionError):
            text = await asyncio.to_thread(log.read_text)
            raise AssertionError(f"PulseAudio does not start: {text[-500:]}") from None


@asynccontextmanager
async def microphone(tone: float = 440.0) -> AsyncIterator[Sound]:
    """Run a sound server whose default source hears `tone` Hz (0: silence)."""
    server = need("pulseaudio", "pulseaudio")
    need("paplay", "pulseaudio-utils")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="exeunt-pulse-")))
        (folder / "script").write_text(_SCRIPT.format(folder=folder))
        (folder / "pulse").mkdir()
        private = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PULSE_RUNTIME_PATH": str(folder / "pulse")}
        private |= {"PULSE_STATE_PATH": str(folder / "state")}
        quiet = ("--exit-idle-time=-1", "--use-pid-file=no", "--realtime=no", "--high-priority=no")
        command = (server, "-n", "-F", str(folder / "script"), "--daemonize=no", *quiet)
        log = folder / "log"
        running = await stack.enter_async_context(process(*command, environment={**os.environ, **private}, log=log))
        sound = Sound({**os.environ, "PULSE_SERVER": f"unix:{folder}/pulse/native"})
        await sound.wait_until_it_answers(running, log)
        if tone:
            await stack.enter_async_context(_player(sound, folder / "tone.raw", tone))
            await sound.wait_until_it_plays()
        yield sound


@asynccontextmanager
async def _player(sound: Sound, path: Path, tone: float) -> AsyncIterator[None]:
    _write_tone(path, tone)
    form = ("--raw", "--format=s16le", f"--rate={RATE}", "--channels=2", "--device=speaker")
    async with process(need("paplay", "pulseaudio-utils"), *form, str(path), environment=sound.environment):
        yield


def _write_tone(path: Path, tone: float) -> None:
    wave = 12_000 * np.sin(np.arange(RATE * TONE_SECONDS) * (2 * np.pi * tone / RATE))
    path.write_bytes(wave.astype(np.int16).repeat(2).tobytes())
