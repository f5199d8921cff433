"""`exeunt publish --reconnect`: one stay after the other, for months, until a signal ends it.

    ENTERING ──joined, published──► IN THE ROOM ──over, for whatever reason──► WAITING ──► ENTERING ...
        └──refused, nobody answers, no device──► WAITING

Each stay is a `Peer` of its own, with its own exit, in order. What keeps devices open between two stays is a hold of
the kiosk's own.
"""

import asyncio
import math
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from peer.capture import Capture, Source, acquire
from peer.cli.flow import Flow
from peer.cli.output import Output
from peer.cli.patience import Patience
from peer.cli.publish import stay
from peer.cli.supervisor import Supervisor
from peer.errors import DeviceError, SignalingError
from peer.exit import ExitState
from peer.media.stats import OutboundRtpStats
from peer.participant import Participant
from peer.signals import first_signal
from signaling.reasons import Reason

BEATS = 3  # signs of life within the time that the supervisor waits for one
JITTER = 0.3  # of a wait: a hundred kiosks do not come back in one instant


@dataclass(frozen=True, kw_only=True)
class Kiosk:
    """What to do again and again. `hold`: these stay open between two stays."""

    make_peer: Callable[[], Participant]
    publish: Callable[[Participant], Awaitable[None]]
    hold: Sequence[Source] = ()
    longest_wait: float = 30.0  # seconds


async def run_kiosk(output: Output, kiosk: Kiosk, seconds: float | None) -> None:
    """Be in the room for ever; a signal, or the end of the given time, ends it. Raises `UsageError` for bad options."""
    runner = _Runner(output, kiosk, Supervisor.of_this_process())
    try:
        await runner.run(seconds)
    finally:
        runner.supervisor.close()


class _Runner:
    def __init__(self, output: Output, kiosk: Kiosk, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self._output, self._kiosk = output, kiosk
        self._patience = Patience(kiosk.longest_wait)
        self._loop = asyncio.get_running_loop()
        self._peer: Participant | None = None
        self._visit: asyncio.Task[None] | None = None
        self._held: dict[Source, Capture] = {}
        self._stopping = asyncio.Event()

    async def run(self, seconds: float | None) -> None:
        """Enter again and again, until told to stop."""
        async with AsyncExitStack() as stack:
            stack.enter_context(first_signal(self._stop))
            stack.push_async_callback(self._release)
            await stack.enter_async_context(self._beating())
            if seconds is not None:
                timer = self._loop.call_later(seconds, self._stop)
                stack.callback(timer.cancel)
            self.supervisor.say(READY="1", STATUS="entering the room")
            while not self._stopping.is_set():
                await self._once()

    def _stop(self, number: int | None = None) -> None:
        """Leave, and do not come back."""
        self._stopping.set()
        self.supervisor.say(STOPPING="1", STATUS="leaving")
        if self._peer is not None and self._peer.is_inside:
            self._peer.request_exit(Reason.LEFT, None if number is None else signal.Signals(number).name)
        elif self._visit is not None:
            self._visit.cancel()

    async def _once(self) -> None:
        """One attempt and what comes of it; then the pause before the next."""
        began = self._loop.time()
        peer = self._peer = self._kiosk.make_peer()
        try:
            await self._visited(peer)
        except (DeviceError, SignalingError) as error:
            await self._pause(self._patience.after_failure(), str(error))
            return
        if not self._stopping.is_set():
            reason = (await peer.wait_exited()).reason
            await self._pause(
                self._patience.after_stay(reason, self._loop.time() - began), f"out of the room ({reason})"
            )

    async def _visited(self, peer: Participant) -> None:
        """One stay, in a task of its own: a signal while it enters cancels it, and nothing else."""
        self._visit = asyncio.create_task(self._stay(peer), name="stay")
        try:
            await asyncio.wait({self._visit})
        except asyncio.CancelledError:
            self._visit.cancel()
            await asyncio.wait({self._visit})
            raise
        if not self._visit.cancelled() or not self._stopping.is_set():
            self._visit.result()

    async def _stay(self, peer: Participant) -> None:
        await self._hold()
        peer.on_device_lost(lambda _: self._release())  # whoever is to open it again must find it closed
        await stay(self._output, peer, self._publish)

    async def _publish(self, me: Participant) -> None:
        await self._kiosk.publish(me)
        self.supervisor.say(STATUS=f"in room {me.room}")

    async def _pause(self, seconds: float, why: str) -> None:
        wait = seconds * (1 + random.uniform(-JITTER, JITTER))  # noqa: S311 - jitter, not a secret
        text = f"{why}; again in {wait:.1f} s"
        self.supervisor.say(STATUS=text)
        self._output.fact("waits", text)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._stopping.wait()

    # -- devices that stay open --

    async def _hold(self) -> None:
        """Open what is to stay open, or is to again after it was lost."""
        for source in self._kiosk.hold:
            if source not in self._held:
                self._held[source] = await acquire(source)

    async def _release(self) -> None:
        while self._held:
            _, capture = self._held.popitem()
            await capture.release()

    # -- the watchdog --

    @asynccontextmanager
    async def _beating(self) -> AsyncIterator[None]:
        """Inside the block the supervisor is told that we live, for as long as we do what we are there for."""
        if self.supervisor.watchdog is None:
            yield
            return
        task = asyncio.create_task(self._beat(self.supervisor.watchdog / BEATS), name="watchdog of the supervisor")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _beat(self, interval: float) -> None:
        flow = Flow()
        while True:
            if self._is_well(flow):
                self.supervisor.say(WATCHDOG="1")
            await asyncio.sleep(interval)

    def _is_well(self, flow: Flow) -> bool:
        """Whether media flow; outside the room it is enough that this loop runs."""
        me = self._peer
        if me is None or not me.is_inside or me.state is not ExitState.ACTIVE or not me.publications:
            return True
        now = self._loop.time()
        ages = [math.inf if one.is_lost else now - one.came_at for one in me.publications]
        sent = {one.ssrc: one.packets_sent for one in me.stats() if isinstance(one, OutboundRtpStats)}
        return flow.look(ages, sent)
