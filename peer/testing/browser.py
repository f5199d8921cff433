"""An installed browser in a process group of its own, with an empty profile, fake devices and one tab that we order.

    browser = await Chromium.start(folder)
    await browser.open("http://127.0.0.1:8080/lobby", script)
    print(await browser.evaluate("document.title"))
    await browser.close()

`Chromium` (in `chromium.py`) and `Firefox` (in `firefox.py`) say how each is started and spoken to. No driver programs
are needed: browsers take orders over a WebSocket that they open on loopback.
"""

import asyncio
import os
import re
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Self

from peer.testing.process import Group, descendants
from peer.testing.wire import BrowserError, Wire

START_LIMIT = 60.0  # seconds from the start to the browser's address
CLOSE_LIMIT = 5.0  # seconds that it has to close by itself
TAIL = 20  # lines of what it said that stand in an error

Tell = Callable[[str], None]


class Browser(ABC):
    """A running browser. It ends with `close`, which may be called twice and in any state."""

    names: ClassVar[tuple[str, ...]]  # of its program, the best first
    variable: ClassVar[str]  # of the environment, which names another program
    package: ClassVar[str]  # what is installed on Debian
    address: ClassVar[re.Pattern[str]]  # how it prints where it takes orders

    def __init__(self, group: Group, profile: Path, tell: Tell) -> None:
        self.group = group
        self.profile = profile
        self._tell = tell
        self._wire = Wire(self._told)
        self._said: list[str] = []
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, profile: Path, tell: Tell) -> Self:
        """Start it with a new profile in this folder; `tell` gets what the page's script tells.

        Raises `BrowserError` if it is not installed or does not start.
        """
        program = find(cls)
        await asyncio.to_thread(cls._prepare, profile)
        surroundings = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
        group = await Group.start(
            program,
            *cls._arguments(profile),
            environment={**surroundings, "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        browser = cls(group, profile, tell)
        try:
            await browser._wire.open(await browser._address())
            await browser._prepare_tab()
        except BaseException:
            await browser.close()
            raise
        return browser

    # -- the tab --

    @abstractmethod
    async def open(self, url: str, script: str) -> None:
        """Go to a page; the script, a function of `tell`, runs in this and every later page before its own."""

    @abstractmethod
    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, of its promise if it is one; it must be JSON."""

    @abstractmethod
    async def go(self, url: str) -> None:
        """Go to a page."""

    @abstractmethod
    async def go_back(self) -> None:
        """Go back to the page before, which the browser may have kept as it was."""

    @abstractmethod
    async def reload(self) -> None:
        """Load the page again, as a user does; return when it is loaded."""

    @abstractmethod
    async def close_tab(self) -> None:
        """Close the tab, as a user does: the page may say farewell. The browser stays."""

    @abstractmethod
    def is_tab(self, command_line: list[str]) -> bool:
        """Whether this is the command line of a process that shows pages."""

    def kill_tab(self) -> None:
        """Kill the process behind the tab, as a crash or a lack of memory does. The browser stays. Linux only."""
        tabs = [pid for pid, line in descendants(self.group.pid).items() if self.is_tab(line)]
        if not tabs:
            raise BrowserError("no process of a tab was found below the browser: is there a /proc?")
        for pid in tabs:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # -- the whole --

    def kill(self) -> None:
        """Kill the browser with all its processes, as a power cut does."""
        self.group.kill()

    async def close(self) -> None:
        """End the browser, by force if it does not listen, and throw its profile away."""
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._ask_to_close()
                await self.group.running.wait()
        except (BrowserError, TimeoutError):
            pass  # it is gone, or is ended now
        finally:
            self.group.kill()
            await self._wire.close()
            await self.group.running.wait()
            if self._listening is not None:
                await asyncio.wait({self._listening})
            await asyncio.to_thread(shutil.rmtree, self.profile, ignore_errors=True)

    @classmethod
    @abstractmethod
    def _prepare(cls, profile: Path) -> None:
        """Make the folder of its profile, and in it what the browser reads."""

    @classmethod
    @abstractmethod
    def _arguments(cls, profile: Path) -> list[str]:
        """Return the arguments of its command line."""

    @abstractmethod
    async def _prepare_tab(self) -> None:
        """Find the tab that we order."""

    @abstractmethod
    def _told(self, method: str, params: dict[str, Any]) -> None:
        """Take an event."""

    @abstractmethod
    async def _ask_to_close(self) -> None:
        """Ask the browser to end."""

    async def _address(self) -> str:
        found = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen(found), name="what a browser says")
        try:
            async with asyncio.timeout(START_LIMIT):
                address: str = await found
        except TimeoutError:
            raise BrowserError(self._failure(f"did not start within {START_LIMIT:g} s")) from None
        return address

    async def _listen(self, found: "asyncio.Future[str]") -> None:
        """Read what it says for as long as it lives: a full pipe would stop it."""
        assert self.group.running.stderr is not None
        async for line in self.group.running.stderr:
            text = line.decode(errors="replace").rstrip()
            self._said = [*self._said, text][-TAIL:]
            if not found.done() and (match := self.address.search(text)):
                found.set_result(match[1])
        if not found.done():
            found.set_exception(BrowserError(self._failure("ended at once")))

    def _failure(self, what: str) -> str:
        return "\n".join([f"the browser {find(type(self))} {what}; it said:", *self._said])


def find(kind: type[Browser]) -> str:
    """Return the path of a browser's program. Raises `BrowserError`, which says what to install."""
    asked = os.environ.get(kind.variable)
    names = (asked,) if asked else kind.names
    path = next((path for name in names if (path := shutil.which(name))), None)
    if path is None:
        raise BrowserError(
            f"no {kind.package} was found ({', '.join(names)}): install it (on Debian: apt install {kind.package}), "
            f"or set {kind.variable} to its program"
        )
    return path
