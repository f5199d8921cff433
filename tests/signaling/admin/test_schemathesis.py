"""A real server keeps to its description, whatever schemathesis makes of that: every check that it has."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from signaling import SignalingServer
from signaling.messages import Ack, Error, ExitRoom, Join, Joined, Leave, Moved, decode_server, encode
from tests.devices.tools import process
from tests.signaling.admin.asking import ADMIN_KEY
from tests.signaling.client import Place, listening

LIMIT = 120.0  # seconds
EXAMPLES = 30  # for each operation
SEED = 5
CONFIG = """
[[operations]]
include-path = "/api/events"
enabled = false
"""
# Who is kicked may be kept out for longer than a test lasts.
FOUND = """
[[operations]]
include-path = "/api/rooms/{room}/kick"
enabled = false

[parameters]
"path.room" = "lobby"
"path.user" = "ana"
"""


async def test_whatever_is_asked_the_answer_is_what_is_described(tmp_path: Path) -> None:
    async with listening(SignalingServer(admin_key=ADMIN_KEY)) as place:
        await explore(place, tmp_path, CONFIG, phases="coverage,fuzzing,stateful")


async def test_and_so_it_is_of_a_room_and_a_user_that_are_there(tmp_path: Path) -> None:
    async with listening(SignalingServer(admin_key=ADMIN_KEY)) as place, present(place, "lobby", "ana"):
        await explore(place, tmp_path, CONFIG + FOUND, phases="fuzzing")


async def explore(place: Place, folder: Path, config: str, *, phases: str) -> None:
    (folder / "schemathesis.toml").write_text(config)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(folder / "schemathesis.toml")),
        *("run", f"{place.url}/api/openapi.json", "--url", place.url),
        *("--header", f"Authorization: Bearer {ADMIN_KEY}", "--no-color"),
        *("--checks", "all", "--mode", "all", "--phases", phases),
        *("--max-examples", str(EXAMPLES), "--seed", str(SEED), "--generation-database", "none"),
    ]
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT}
    async with process(*command, environment={**os.environ, "HOME": str(folder)}, **pipes) as running:
        async with asyncio.timeout(LIMIT):
            said, _ = await running.communicate()
    assert running.returncode == 0, said.decode()
    assert b"passed" in said


@contextlib.asynccontextmanager
async def present(place: Place, room: str, user: str) -> AsyncIterator[None]:
    """Have a user be in a room who comes back whenever removed or moved, and acknowledges everything."""
    inside = asyncio.Event()
    task = asyncio.create_task(_stay(place, room, user, inside), name=f"{user} stays in {room}")
    try:
        await inside.wait()
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _stay(place: Place, room: str, user: str, inside: asyncio.Event) -> None:
    while True:
        async with place.http.ws_connect(f"{place.url}/ws") as socket:
            await socket.send_str(encode(Join(room=room, user=user)).decode())
            async for frame in socket:
                match decode_server(frame.data):
                    case Joined():
                        inside.set()
                    case Moved():
                        await socket.send_str(encode(Leave()).decode())
                    case ExitRoom():
                        break
                    case message if getattr(message, "wants_ack", False):
                        await socket.send_str(encode(Ack(seq=message.seq)).decode())
                    case Error(text=text):
                        raise AssertionError(text)
                    case _:
                        pass
