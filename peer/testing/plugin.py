"""The pytest plugin: it comes with exeunt by its entry point, and costs nothing before a fixture of it is used.

    async def test_a_call(join, browser, journal):
        ana = await join("ana", publish=("audio", "video"))
        page = await browser("chromium")
        await page.until_frames("ana")
        page.kill()
        await assert_exit_contract(journal)

Whatever a fixture has opened it closes at the end of the test.
"""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from peer.testing.fixtures import Join, OpenBrowser, RunningServer, Spawn, Stage
    from peer.testing.journal import Journal
    from peer.testing.network import Network
    from signaling.config import Options

try:
    from pytest_asyncio import fixture
except ImportError:  # it comes with `exeunt[testing]`; whoever has exeunt alone can do without these fixtures

    def fixture(function: Callable[..., Any]) -> Any:  # type: ignore[no-redef] # the same, as far as it is used here
        """Make a fixture that says what is missing."""

        @pytest.fixture(name=function.__name__)
        def missing() -> None:
            pytest.fail(f"the fixture {function.__name__!r} needs pytest-asyncio: pip install 'exeunt[testing]'")

        return missing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have `no_leaks` look before everything else is opened, and after it is closed."""
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        if "no_leaks" in names:
            names.remove("no_leaks")
            names.insert(0, "no_leaks")


@pytest.fixture
def signaling_options() -> "Options":
    """The options of `signaling_server`, as for `SignalingServer`: override this fixture to have others."""
    return {"grace": 2.0}


@pytest.fixture
def journal(tmp_path: Path) -> "Journal":
    """What the server, the peers and the pages of this test write down."""
    from peer.testing.journal import Journal

    return Journal(tmp_path / "journal.jsonl")


@pytest.fixture
def exeunt_loop(request: pytest.FixtureRequest) -> None:
    """Fail a test that is not run on an event loop, before anything is opened for it."""
    name = request.function.__name__
    if not inspect.iscoroutinefunction(request.function):
        pytest.fail(
            f"{name} is a plain function, and what it asks for lives on an event loop: write `async def {name}(...)`",
            pytrace=False,
        )
    if not any(request.node.get_closest_marker(mark) for mark in ("asyncio", "anyio")):
        pytest.fail(
            f"{name} is run on no event loop: mark it with @pytest.mark.asyncio, or set "
            'asyncio_mode = "auto" in the configuration of pytest',
            pytrace=False,
        )


@fixture
async def signaling_server(
    exeunt_loop: None, journal: "Journal", signaling_options: "Options"
) -> AsyncIterator["RunningServer"]:
    """A real server in this process, on a free port of loopback."""
    from peer.testing.fixtures import serving

    async with serving(journal, signaling_options) as running:
        yield running


@fixture
async def network(signaling_server: "RunningServer") -> AsyncIterator["Network"]:
    """Lines and paths that can be cut, slowed down and made to lose packets; needs no root.

    In a test that asks for it, whoever comes by `join`, `browser` or `spawn` has a line of its own.
    """
    from peer.testing.network import Network

    laid = Network(signaling_server.url)
    try:
        yield laid
    finally:
        await laid.close()


@pytest.fixture
def exeunt_network(request: pytest.FixtureRequest) -> "Network | None":
    """The network of a test that asks for one. A plain fixture: an asynchronous one cannot ask for another later."""
    if "network" not in request.fixturenames:
        return None
    network: Network = request.getfixturevalue("network")
    return network


@fixture
async def exeunt_stage(
    signaling_server: "RunningServer", journal: "Journal", tmp_path: Path, exeunt_network: "Network | None"
) -> AsyncIterator["Stage"]:
    """Where those who come meet; whoever opened something closes it here, the last first."""
    from peer.testing.fixtures import Stage

    async with AsyncExitStack() as stack:
        yield Stage(signaling_server, journal, tmp_path, exeunt_network, stack)


@fixture
async def join(exeunt_stage: "Stage") -> AsyncIterator["Join"]:
    """A real peer with a fake camera and microphone, in the room, as `Join` says."""
    from peer.testing.fixtures import Join

    yield Join(exeunt_stage)


@fixture
async def browser(exeunt_stage: "Stage") -> AsyncIterator["OpenBrowser"]:
    """An installed browser with fake devices, whose page is in the room, as `OpenBrowser` says."""
    from peer.testing.fixtures import OpenBrowser

    yield OpenBrowser(exeunt_stage)


@fixture
async def spawn(exeunt_stage: "Stage") -> AsyncIterator["Spawn"]:
    """A peer in a process of its own, to be killed or frozen, as `Spawn` says."""
    from peer.testing.fixtures import Spawn

    yield Spawn(exeunt_stage)


@fixture
async def no_leaks(exeunt_loop: None) -> AsyncIterator[None]:
    """After the test no task, thread, child process, socket or device handle is left that was not there before."""
    import asyncio

    from peer.testing.leaks import held, tasks_left, wait_until_nothing_is_left

    tasks, before = asyncio.all_tasks(), held()
    yield
    left = [*await tasks_left(tasks), *await asyncio.to_thread(wait_until_nothing_is_left, before)]
    assert left == [], f"the test left behind: {', '.join(left)}"
