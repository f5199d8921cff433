"""For all tests: a network of their own, and nothing left behind by any of them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

from tests import leaks, network

pytest_plugins = ["tests.browser"]
pytest.register_assert_rewrite("tests.exits.case")
collect_ignore = [] if os.environ.get("EXEUNT_VM") else ["vm"]  # `make test-vm`
OUTLIVE_A_TEST = {"playwright"}  # shared by many tests
settings.register_profile("exeunt", settings(), deadline=None)  # a busy machine takes its time
settings.load_profile("exeunt")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background; whom we start inherits it
    signal.signal(signal.SIGINT, signal.default_int_handler)
NETWORK = network.enter()  # before anything starts a thread


def pytest_report_header() -> str:
    """Say in which network the tests run."""
    return f"network: {NETWORK}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once, and not for each test, what was missing."""
    skipped = terminalreporter.stats.get("skipped", [])
    for text in sorted({str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped}):
        terminalreporter.write_line(f"skipped: {text}")


@pytest.fixture(autouse=True)
def nothing_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test: no thread, child process, socket or device handle that was not there before; no task."""
    for name in OUTLIVE_A_TEST & set(request.fixturenames):
        request.getfixturevalue(name)
    if request.node.get_closest_marker("asyncio") is not None:
        request.getfixturevalue("no_task_is_left")  # the loop, whose own handles are not the test's
    before = leaks.held()
    yield
    assert leaks.wait_until_nothing_is_left(before) == []


@pytest.fixture
async def no_task_is_left() -> AsyncIterator[None]:
    """After an asynchronous test: no task that was not there before."""
    before = asyncio.all_tasks()
    yield
    assert await leaks.tasks_left(before) == []
