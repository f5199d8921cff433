"""Lets users come in, speak and leave, and measures what the server makes of that."""

import asyncio
import resource
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

from peer.cli.load.figures import Figures, Load
from peer.cli.load.plot import check_plot, draw
from peer.cli.load.shown import Shown
from peer.cli.load.visitor import Visitor
from peer.cli.output import Output
from peer.errors import ExeuntError, Refused, UsageError
from signaling.forms import ErrorCode
from signaling.messages import Join
from signaling.tokens import make

AT_ONCE = 50  # users who come in or hang up at the same time
LEAVING = 4  # rooms that are left at the same time: what is measured is the notice, not a stampede
TURN = 0.01  # seconds between two rounds of speaking
LATE = 2.0  # seconds after which what has not been heard counts as missing
SPARE = 64  # files that are open beside the users' sockets
MOST_USERS = 20_000
T = TypeVar("T")
ASK = "give the server's --key, or a --token"
HINTS = {
    ErrorCode.TOKEN_REQUIRED: ASK,
    ErrorCode.TOKEN_INVALID: ASK,
    ErrorCode.RATE_LIMITED: "`exeunt serve --join-rate 0` has no such limit",
}


async def load_test(
    output: Output, url: str, load: Load, *, key: str | None, token: str | None, plot: Path | None, is_quiet: bool
) -> None:
    """Do it and show the results. Raises `ExeuntError` if not even one user comes in."""
    check_plot(plot)
    _check_size(load)
    figures = Figures()
    crowd = _Crowd(url, load, figures, lambda room, user: token if key is None else make(key, room, user))
    with Shown(load, is_quiet=is_quiet) as shown:
        try:
            await crowd.enter(shown)
            used, began = time.process_time(), time.monotonic()
            await crowd.speak(shown)
            figures.core = (time.process_time() - used) / max(time.monotonic() - began, TURN)
            await crowd.leave(shown)
        finally:
            await crowd.close()
    shown.results(figures.results())
    if plot is not None:
        draw(figures, load, plot)
        output.fact("plot", str(plot))


class _Crowd:
    """All users."""

    def __init__(self, url: str, load: Load, figures: Figures, token: Callable[[str, str], str | None]) -> None:
        self._load = load
        self._figures = figures
        self._rooms: list[list[Visitor]] = []
        self._clock = asyncio.get_running_loop().time
        prefix = f"load-{secrets.token_hex(3)}"  # so that two tests do not meet
        for number in range(load.rooms):
            room, left_at = f"{prefix}-{number}", dict[str, float]()
            joins = (Join(room=room, user=f"u{n}", token=token(room, f"u{n}")) for n in range(load.users))
            self._rooms.append([Visitor(url, join, figures, left_at) for join in joins])

    async def enter(self, shown: Shown) -> None:
        """Let everybody in. The first alone: if it cannot come in, nobody can."""
        first, *others = (visitor for room in self._rooms for visitor in room)
        began = self._clock()
        try:
            await first.enter()
        except Refused as error:
            raise ExeuntError(_with_hint(error)) from None
        self._figures.joined = 1
        shown.advance("joining")
        await _each(others, lambda visitor: self._let_in(visitor, shown))
        self._figures.joining = self._clock() - began

    async def _let_in(self, visitor: Visitor, shown: Shown) -> None:
        try:
            await visitor.enter()
        except ExeuntError as error:
            self._figures.failed(_with_hint(error))
        else:
            self._figures.joined += 1
        shown.advance("joining")

    async def speak(self, shown: Shown) -> None:
        """Let all speak in turn, evenly over the time; then wait for what is still on its way."""
        speakers = [(visitor, room) for room in self._rooms for visitor in room]
        began, said = self._clock(), 0
        while (passed := self._clock() - began) < self._load.seconds:
            due = int(passed * self._load.everybody * self._load.rate)
            for number in range(said, due):
                self._say(*speakers[number % len(speakers)])
            said = due
            shown.at("speaking", passed)
            await asyncio.sleep(TURN)
        self._figures.speaking = self._clock() - began
        shown.at("speaking", self._load.seconds)
        await self._hear_out()
        self._figures.heard_at = [moment - began for moment in self._figures.heard_at]

    def _say(self, visitor: Visitor, room: list[Visitor]) -> None:
        if not visitor.is_inside:
            return
        visitor.speak()
        self._figures.sent += 1
        self._figures.expected += sum(other.is_inside for other in room) - 1

    async def _hear_out(self) -> None:
        end = self._clock() + LATE
        while len(self._figures.messages) < self._figures.expected and self._clock() < end:  # noqa: ASYNC110 - or the end
            await asyncio.sleep(TURN)

    async def leave(self, shown: Shown) -> None:
        """Let everybody leave, in each room one after the other, so that each leave is a notice to all who remain."""
        await _each(self._rooms, lambda room: self._empty(room, shown), LEAVING)

    async def _empty(self, room: list[Visitor], shown: Shown) -> None:
        for visitor in room:
            if visitor.is_inside:
                await visitor.leave()
            shown.advance("leaving")

    async def close(self) -> None:
        """Hang up, whatever has happened."""
        await _each([visitor for room in self._rooms for visitor in room], Visitor.close)


async def _each(some: Iterable[T], work: Callable[[T], Awaitable[None]], at_once: int = AT_ONCE) -> None:
    """Do something with each, with some at the same time but not with all."""
    rest = iter(some)

    async def do_rest() -> None:
        for one in rest:
            await work(one)

    async with asyncio.TaskGroup() as group:
        for number in range(at_once):
            group.create_task(do_rest(), name=f"load {number}")


def _check_size(load: Load) -> None:
    if load.everybody > MOST_USERS:
        raise UsageError(f"{load.everybody} users are more than one process can be: at most {MOST_USERS}")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = load.everybody + SPARE
    if needed > hard != resource.RLIM_INFINITY:
        raise UsageError(f"{load.everybody} users need as many open files; this system allows {hard} (ulimit -Hn)")
    if needed > soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _with_hint(error: ExeuntError) -> str:
    hint = HINTS.get(error.code) if isinstance(error, Refused) else None
    return str(error) if hint is None else f"{error}; {hint}"
