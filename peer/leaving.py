"""The one task that leaves: carries out the steps of `exit.py`, each within its limit, whatever happens in them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from peer.aio import bounded
from peer.events import ExitReport
from peer.exit import Exit, ExitState
from peer.notice import Wait
from signaling.journal import Journal
from signaling.reasons import Reason

Step = Callable[[], Awaitable[None]]
log = logging.getLogger(__name__)


class Leaving:
    """Begins once, for the first reason; everybody else waits for the same task.

    `began` is called before the first step, `ended` after the last.
    """

    def __init__(
        self,
        name: str,
        steps: dict[ExitState, Step],
        journal: Journal,
        *,
        began: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self.exit = Exit()
        self._name = name
        self._journal = journal
        self._began, self._ended = began, ended
        self._steps = steps
        self._loop = asyncio.get_running_loop()
        self._report: asyncio.Future[ExitReport] = self._loop.create_future()
        self._task: asyncio.Task[None] | None = None
        self._step_task: asyncio.Task[None] | None = None

    def begin(self, reason: Reason, text: str | None = None, wait: Wait = "server") -> None:
        """Start to leave, unless that is under way."""
        if self.exit.begin(reason, text, self._loop.time(), wait):
            log.info("%s: leaving (%s)", self._name, reason)
            self._journal.write("leaving", reason=reason, text=text, wait=wait)
            self._began()
            self._start()

    @property
    def is_current(self) -> bool:
        """Whether the caller is a step of this exit: a handler of `on_exit_room`, usually."""
        return self._step_task is not None and asyncio.current_task() is self._step_task

    def report(self) -> ExitReport:
        """Return the report as far as it is written."""
        return self._report.result() if self._report.done() else self.exit.report(self._loop.time())

    async def wait(self) -> ExitReport:
        """Wait until we are out. Cancelling the waiter does not cancel the exit."""
        return await asyncio.shield(self._report)

    async def wait_even_if_cancelled(self) -> ExitReport:
        """Wait until we are out (bounded by the limits of the steps); only then be cancelled."""
        cancelled: asyncio.CancelledError | None = None
        while not self._report.done():
            try:
                await asyncio.wait({self._report})
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled
        return self._report.result()

    def _start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"leave {self._name}")
        self._task.add_done_callback(self._start_again)

    def _start_again(self, task: "asyncio.Task[None]") -> None:
        """A task that is cancelled before its first step does nothing at all: whoever waits would wait for ever."""
        if task.cancelled() and not self._report.done():
            self._start()

    async def _run(self) -> None:
        while self.exit.state is not ExitState.EXITED:
            state = self.exit.state
            ended = await bounded(
                partial(self._step, state), self.exit.limit, name=f"{self._name} {state.name.lower()}"
            )
            self.exit.advance(self._loop.time(), ended)
            log.debug("%s: %s -> %s (%s)", self._name, state.name, self.exit.state.name, ended)
            self._journal.write("step", name=state.name.lower(), took=self.exit.took, ended=ended)
        self._ended()
        self._report.set_result(self.exit.report(self._loop.time()))

    async def _step(self, state: ExitState) -> None:
        self._step_task = asyncio.current_task()
        await self._steps[state]()
