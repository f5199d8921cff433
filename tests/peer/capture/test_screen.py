"""The screen, of a real X server without a graphics card."""

import time
from collections.abc import AsyncIterator

import numpy as np
import pytest

from peer.capture import Kind, Screen, acquire, enumerate_devices
from peer.capture.convert import plane_array
from peer.capture.handles import open_handles, peer_path
from peer.errors import DeviceFailed, DeviceNotFound
from tests.devices import xvfb
from tests.peer.capture.collecting import Collector, assert_forms, assert_released, stamps


@pytest.fixture
async def display() -> AsyncIterator[str]:
    async with xvfb.screen(640, 360) as name:
        yield name


def connections() -> list[str]:
    """Those of this process; another one reads the screen if it is not told to be read in a thread."""
    return [peer for handle in open_handles() or () if "X11" in (peer := peer_path(handle.number) or "")]


async def until_it_changes(collector: Collector) -> None:
    """Wait until the last picture is another one than the first."""

    def shown(number: int) -> bytes:
        return plane_array(collector.frames[Kind.VIDEO][number], 0).tobytes()

    first = shown(0)
    await collector.until_true(lambda: shown(-1) != first)


@pytest.mark.parametrize(("isolation", "own_connections"), [("thread", 1), ("process", 0), (None, 0)])
async def test_the_whole_screen_moves_and_is_let_go_and_opens_again(
    display: str, isolation: str | None, own_connections: int
) -> None:
    for _ in range(2):
        capture = await acquire(Screen(display, isolation=isolation))
        assert capture.format.describe() == "640x360 at 30 fps, bgr0 (as asked)"
        collector = Collector(capture)
        pictures = await collector.until(Kind.VIDEO, 45)
        await until_it_changes(collector)  # the clock ticks
        assert (np.diff(stamps(pictures)) > 0).all()
        assert_forms(collector.frames)
        assert len(connections()) == own_connections
        await assert_released(capture)
        assert connections() == []


async def test_a_part_of_odd_size_becomes_even(display: str) -> None:
    capture = await acquire(Screen(display, width=321, height=201, x=11, y=7, cursor=False))
    assert capture.format.describe() == "321x201 at 30 fps, bgr0 (as asked)"
    picture = (await Collector(capture).until(Kind.VIDEO, 1))[0]
    assert (picture.width, picture.height) == (320, 200)
    await assert_released(capture)


async def test_two_parts_of_one_screen_are_told_apart_when_they_are_let_go(display: str) -> None:
    left = await acquire(Screen(display, width=320, height=180, isolation="thread"))
    right = await acquire(Screen(display, isolation="thread"))
    await assert_released(left)
    assert len(connections()) == 1
    await assert_released(right)


@pytest.mark.parametrize("isolation", ["thread", "process"])
async def test_a_part_outside_of_the_screen_fails_with_a_remedy(display: str, isolation: str) -> None:
    with pytest.raises(DeviceFailed, match="inside the screen"):
        await acquire(Screen(display, width=6400, height=180, isolation=isolation))


@pytest.mark.parametrize("isolation", ["thread", "process"])
async def test_an_x_server_that_ends_ends_the_source(isolation: str) -> None:
    async with xvfb.screen(320, 180, moving=False) as name:
        capture = await acquire(Screen(name, isolation=isolation))
        collector = Collector(capture)
        await collector.until(Kind.VIDEO, 2)
    assert "screen" in (await collector.ended() or "")
    await assert_released(capture)


@pytest.mark.parametrize("isolation", ["thread", "process"])
async def test_a_display_that_is_not_there_is_not_found(isolation: str) -> None:
    with pytest.raises(DeviceNotFound, match="There is no screen :987"):
        await acquire(Screen(":987", isolation=isolation))


async def test_without_a_display_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(DeviceNotFound, match="DISPLAY is not set"):
        await acquire(Screen())


async def test_the_screen_is_listed_with_its_size_in_bounded_time(display: str) -> None:
    began = time.monotonic()
    found = {device.id: device.name for device in enumerate_devices() if device.kind == "screen"}
    assert found[display] == "X screen 640x360"
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("isolation", ["thread", "process"])
async def test_an_x_server_that_resets_itself_is_opened_all_the_same(isolation: str) -> None:
    async with xvfb.screen(320, 180, moving=False, resets=True) as name:
        for _ in range(3):
            await assert_released(await acquire(Screen(name, isolation=isolation)))
