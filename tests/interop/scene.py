"""One call between a Python peer (ana) and the page of a browser (bo), and what is looked at in it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peer.testing import Guest, Join, Journal, OpenBrowser, Page, Spawn
from peer.testing.fixtures import Stage, serving
from tests.interop.table import Cells

BOTH = ("audio", "video")
LIMIT = 30.0  # seconds for anything that is waited for
GRACE = 1.0  # seconds
PICTURES = 5  # that count as a picture that moves
QUIET = 0.5  # seconds
LOUD, DARK = 500, 40  # of a sample, of a pixel
SILENT = 1e-4  # of `totalAudioEnergy`: a tone has a hundred times that


@dataclass
class Scene:
    """What a row of the matrix plays with."""

    name: str  # of the browser
    join: Join
    browser: OpenBrowser
    spawn: Spawn
    journal: Journal

    async def open(self, *, codec: str = "", publish: bool = True) -> Page:
        """Let the browser's page enter as bo."""
        page = await self.browser(self.name, user="bo", codec=codec)
        if publish:
            await page.publish()
        return page


@asynccontextmanager
async def scene(name: str, folder: Path) -> AsyncIterator[Scene]:
    """Have a server and a journal for the length of the block; all who came are closed at its end."""
    journal = Journal(folder / "journal.jsonl")
    async with serving(journal, {"grace": GRACE}) as site, AsyncExitStack() as stack:
        stage = Stage(site, journal, folder, None, stack)
        yield Scene(name, Join(stage), OpenBrowser(stage), Spawn(stage), journal)


async def meet(play: Scene) -> tuple[Guest, Page]:
    """Let both come, see and hear each other."""
    ana = await play.join("ana", publish=BOTH)
    page = await play.open()
    await both(ana, page)
    return ana, page


async def both(ana: Guest, page: Page) -> Cells:
    """Wait for sound and picture, both ways; say so."""
    outwards = f"{await sees(page)}, {await hears(page)}"
    return outwards, f"{await is_seen(ana)}, {await is_heard(ana)}"


async def sees(page: Page, user: str = "ana") -> str:
    """Wait until the page decodes a user's pictures; say so."""
    await page.until_frames(user, PICTURES)
    return "picture"


async def hears(page: Page, user: str = "ana") -> str:
    """Wait until the page hears a user; say so."""
    await page.until_sound(user)
    return "sound"


async def is_seen(me: Guest, user: str = "bo", *, dark: bool | None = None) -> str:
    """Wait until the Python peer decodes pictures of a user, dark ones if that is asked; say so."""
    count = 0
    async with asyncio.timeout(LIMIT):
        async for frame in me.users[user].video.frames():
            if dark is None or bool(frame.array.max() < DARK) is dark:
                count += 1
            if count == PICTURES:
                break
    return "picture"


async def is_heard(me: Guest, user: str = "bo") -> str:
    """Wait until the Python peer hears a user; say so."""
    async with asyncio.timeout(LIMIT):
        async for chunk in me.users[user].audio.frames():
            if np.abs(chunk.array.astype(np.int32)).max() > LOUD:
                break
    return "sound"


async def is_silent(me: Guest, user: str = "bo") -> str:
    """Wait until the Python peer hears nothing of a user for a while: a beep comes each second."""
    began: float | None = None
    async with asyncio.timeout(LIMIT):
        async for chunk in me.users[user].audio.frames():
            is_loud = np.abs(chunk.array.astype(np.int32)).max() > LOUD
            began = None if is_loud else began or time.monotonic()
            if began is not None and time.monotonic() - began > 2.0:
                break
    return "silence"


async def becomes_silent(page: Page, user: str = "ana") -> str:
    """Wait until the page's sum of a user's sound stands still while packets come."""
    async with asyncio.timeout(LIMIT):
        energy, packets = -1.0, -1
        while True:
            stats = await page.received(user, "audio")
            if stats["totalAudioEnergy"] - energy < SILENT and stats["packetsReceived"] > packets >= 0:
                return "silence"
            energy, packets = stats["totalAudioEnergy"], stats["packetsReceived"]
            await asyncio.sleep(QUIET)


async def becomes_dark(page: Page, user: str = "ana") -> str:
    """Wait until the page shows black for a user."""
    async with asyncio.timeout(LIMIT):
        while (await page.pixels(user)).max() >= DARK:  # noqa: ASYNC110 - a picture tells nobody that it has changed
            await asyncio.sleep(QUIET / 5)
    return "black"
