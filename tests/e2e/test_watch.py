"""A browser shows itself, and a Python peer gets its pictures and sound as numpy arrays."""

import asyncio

import numpy as np
import pytest

from peer import Peer
from tests.browser import OpenTab
from tests.journal import Journal
from tests.tab import Tab

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]
LIMIT = 40.0  # seconds


async def showing(open_tab: OpenTab) -> Tab:
    ana = await open_tab("ana")
    await ana.until_inside()
    await ana.publish()
    return ana


@pytest.mark.parametrize("bot_comes_first", [True, False])
async def test_a_browsers_camera_and_microphone_arrive_as_arrays(
    open_tab: OpenTab, base_url: str, bot_comes_first: bool
) -> None:
    journal = Journal()
    bot = Peer(f"{base_url.replace('http', 'ws', 1)}/ws", room="lobby", user="bot")
    for hook in (bot.on_remote_user_join, bot.on_remote_user_leave, bot.on_exit_room):
        hook(lambda event: journal.add("bot", event))
    if not bot_comes_first:
        ana = await showing(open_tab)
    async with bot:
        if bot_comes_first:
            ana = await showing(open_tab)
        await journal.until("bot", "remoteUserJoin ana")
        user = bot.users["ana"]
        async with asyncio.timeout(LIMIT):
            await until_it_moves(user.video.frames("rgb24"))
            async for sound in user.audio.frames():
                assert sound.array.dtype == np.int16
                assert (sound.array.shape[1], sound.rate) == (2, 48_000)
                if np.abs(sound.array).max() > 500:
                    break
        rest = asyncio.create_task(count(user))
        await ana.page.click("#leave")
        await journal.until("bot", "remoteUserLeave ana left")
        async with asyncio.timeout(LIMIT):
            await rest
    assert journal.of("bot") == ["remoteUserJoin ana", "remoteUserLeave ana left", "exitRoom left"]


async def until_it_moves(frames: object) -> None:
    """Read pictures until one differs from the first; each is (H, W, 3) of uint8."""
    first = None
    async for frame in frames:
        assert frame.array.dtype == np.uint8
        assert frame.array.ndim == 3
        assert frame.array.shape[2] == 3
        if first is None or first.shape != frame.array.shape:
            first = frame.array
        elif np.abs(first.astype(int) - frame.array).max() > 50:
            return


async def count(user: object) -> int:
    """Read a user's pictures until there are no more; return how many there were."""
    return len([frame async for frame in user.video.frames("gray")])
