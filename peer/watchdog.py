"""The watchdog: leaves in the loop's place when the loop is blocked, and ends the process.

A blocked loop runs no step of leaving and no limit of one. So a thread of its own (see `vigil.py`) asks the loop to
answer, from when an exit is due until it is over. A loop that says nothing for `LOOP_LIMIT` will not leave: the thread
says farewell, releases the devices, writes the report to standard error as one line of JSON, and ends the process. A
loop that is slow but answers is left alone.

Nothing here may wait for what the blocked thread may hold: no logging, no `sys.stderr`, and a limit for every step. One
thing is out of reach: a C call that keeps Python's global lock stops this thread too.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Generic, Literal, NoReturn, TypeVar

import msgspec
from msgspec.structs import replace

from peer.events import DeviceRelease, ExitReport, ExitStep
from peer.silence import LOOP_LIMIT, Silence
from peer.vigil import vigil
from signaling.reasons import Reason

FAREWELL_LIMIT = 0.5  # seconds
RELEASE_LIMIT = 0.5  # seconds; with `LOOP_LIMIT` and the farewell 3 s
REPORT_LIMIT = 0.5  # seconds
STDERR = 2
FRAMES = 4  # of the blocked thread's stack that the report shows
Farewell = Callable[[Literal["left", "error"], float], bool]
T = TypeVar("T")


class Watchdog:
    """Watches over one stay. Make it on its loop, and call `exit_is_over` in the end, whatever happens.

    `release(limit)` closes every device of the process; `farewell(reason, limit)` tells the server and says whether
    that worked; `report()` says how far leaving has come. Other threads call them, while the loop is blocked.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        release: Callable[[float], list[DeviceRelease]],
        farewell: Farewell,
        report: Callable[[], ExitReport],
    ) -> None:
        self.silence = Silence()
        self.signal: int | None = None  # that wants us to leave
        self.release, self.farewell, self.report = release, farewell, report
        self._loop = loop
        self._thread = threading.get_ident()
        self._answer: _Answer | None = None  # asked for and not looked at
        self._due: float | None = None  # said by others, not yet heard by the vigil
        self._has_signal = False  # likewise
        vigil.watch(self)

    def exit_is_due(self, limit: float = LOOP_LIMIT) -> None:
        """Leaving has begun: from now on the loop has to answer within a limit. Said again, it changes the limit.

        From any thread.
        """
        self._due = limit
        vigil.ring()

    def exit_is_over(self) -> None:
        """We are out, or were never in: watch no more. From any thread; may be called again."""
        vigil.dismiss(self)

    def signalled(self, number: int) -> None:
        """A signal wants us to leave: see whether the loop does it. From any thread, and from handlers of signals."""
        self.signal = number
        self._has_signal = True
        vigil.ring()

    # -- in the vigil's thread --

    @property
    def is_watched(self) -> bool:
        """Whether the loop has to answer now."""
        return self.silence.is_watched

    def look(self, seconds: float) -> None:
        """Take the loop's answer, ask again; end the process if there has been none for too long."""
        self._take_answer(seconds)
        self._take_wishes()
        if self._loop.is_closed():
            self.exit_is_over()
        elif self.silence.is_over_limit:
            leave_by_force(self)
        elif self._answer is None and self.silence.is_watched:
            self._answer = self._ask()

    def _take_answer(self, seconds: float) -> None:
        if self._answer is None:
            return
        answered = self._answer.has_come or not self._loop.is_running()  # a loop that is not run is not blocked
        self.silence.turn(seconds, answered=answered)
        if answered:
            self._answer = None

    def _take_wishes(self) -> None:
        limit, self._due = self._due, None
        if limit is not None:
            self.silence.exit_is_due(limit)
        if self._has_signal:
            self._has_signal = False
            self.silence.signalled()
            self._answer = None  # what was asked before the signal proves nothing

    def _ask(self) -> "_Answer":
        answer = _Answer()
        try:
            self._loop.call_soon_threadsafe(answer.come)
        except RuntimeError:  # closed in this moment
            answer.come()
        return answer

    @property
    def complaint(self) -> str:
        """Say for how long the loop has been silent and what it is doing, innermost call first."""
        stack = _calls(sys._current_frames().get(self._thread))  # noqa: SLF001 - the documented way to look at a thread
        return f"the event loop was blocked for {self.silence.lasted:.1f} s" + (f" in {stack}" if stack else "")


class _Answer:
    """What the loop says when it runs."""

    def __init__(self) -> None:
        self.has_come = False

    def come(self) -> None:
        self.has_come = True


def leave_by_force(blocked: Watchdog) -> NoReturn:
    """Leave every stay of this process in its loop's place, in order: notice, devices, report. Then end the process."""
    stays = [watcher for watcher in vigil.watchers if isinstance(watcher, Watchdog)]
    complaint, reports = blocked.complaint, [stay.report() for stay in stays]
    farewells = [_Work(partial(_say_farewell, stay, report)) for stay, report in zip(stays, reports, strict=True)]
    deadline = time.monotonic() + FAREWELL_LIMIT
    told = [farewell.wait(deadline - time.monotonic()) for farewell in farewells]
    devices = _Work(partial(blocked.release, RELEASE_LIMIT)).wait(2 * RELEASE_LIMIT) or []
    lines = [
        _line(stay, report, devices, complaint, is_told=is_told or False)
        for stay, report, is_told in zip(stays, reports, told, strict=True)
    ]
    _Work(partial(os.write, STDERR, b"".join(lines))).wait(REPORT_LIMIT)
    os._exit(1 if blocked.signal is None else 128 + blocked.signal)


def _say_farewell(stay: Watchdog, report: ExitReport) -> bool:
    """Tell the server, unless it knows."""
    if report.notice == "acknowledged":
        return True
    return stay.farewell("error" if report.reason is Reason.ERROR else "left", FAREWELL_LIMIT)


def _line(stay: Watchdog, report: ExitReport, devices: list[DeviceRelease], complaint: str, *, is_told: bool) -> bytes:
    """Return the report of a stay that was left by force, as a line of JSON."""
    silence = stay.silence
    began = silence.watched_for - silence.lasted
    step = ExitStep(name="watchdog", began=began, took=silence.lasted, ended=complaint)
    full = replace(
        report,
        text=report.text or (None if stay.signal is None else signal.Signals(stay.signal).name),
        notice="acknowledged" if is_told else report.notice,
        steps=(*report.steps, step),
        devices=(*report.devices, *devices),
        total=silence.watched_for,
    )
    return msgspec.json.encode(full) + b"\n"


def _calls(frame: FrameType | None) -> str:
    """Name the innermost calls of a stack. No source is read for it: that could block as well."""
    calls: list[str] = []
    while frame is not None and len(calls) < FRAMES:
        calls.append(f"{frame.f_code.co_name} ({Path(frame.f_code.co_filename).name}:{frame.f_lineno})")
        frame = frame.f_back
    return ", called by ".join(calls)


class _Work(Generic[T]):
    """Something that is done in a thread of its own, so that it can be given up."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._result: T | None = None
        self._thread = threading.Thread(target=self._run, name="exeunt farewell", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the system gives no thread: it is not done, and what comes after it is
            self._thread = threading.current_thread()

    def wait(self, limit: float) -> T | None:
        """Return what came of it within the limit; None if nothing did."""
        if self._thread is not threading.current_thread():
            self._thread.join(max(0.0, limit))
        return self._result

    def _run(self) -> None:
        with contextlib.suppress(Exception):  # whatever fails, the next step of leaving comes, and the report shows it
            self._result = self._work()
