"""One published source on its way into the fan-outs, over the absences of its device. Carries out what `lost.py` says.

It owns every device that it opened: the present one, and an earlier one that would not close.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from peer.capture import Camera, Capture, Kind, Microphone, Opened, Screen, Source, acquire
from peer.capture.identity import ROOTS, Identity, Roots, find, identify
from peer.errors import DeviceBusy, DeviceNotFound
from peer.events import DeviceBack, DeviceLost, DeviceRelease, Outcome, SourceEnded
from peer.lost import Effect, Finish, LetGo, Lose, Open, Presence, Return, State, stall_limit
from peer.media.fanout import Fanout
from peer.media.filler import Filler
from peer.tap import Tap

RELEASE_LIMIT = 1.2  # seconds for one device
DEVICES = (Camera, Microphone, Screen)  # what comes back
SourceEvent = SourceEnded | DeviceLost | DeviceBack
log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Publication:
    """One published source: what of it is sent, and what was really opened.

    It stays the same while its device is lost and comes back; `format` is that of the device as it came back.
    """

    source: Source
    kinds: tuple[Kind, ...]
    format: Opened
    is_lost: bool = field(default=False, repr=False)  # black and silence are sent in its place
    came_at: float = field(default=0.0, repr=False)  # when its last frame came, on the loop's clock, seconds


class Supply:
    """Feeds fan-outs from a source until `end`; `release` lets everything go. `tell` gets what happens to it."""

    def __init__(
        self,
        publication: Publication,
        capture: Capture,
        fanouts: Mapping[str, Fanout],
        *,
        tell: Callable[[SourceEvent], None],
        stall_after: float,
        roots: Roots = ROOTS,
    ) -> None:
        self.publication = publication
        self.label = capture.source.label
        self._fanouts = [(kind, fanouts[kind.value]) for kind in publication.kinds]
        self._tell = tell
        self._roots = roots
        self._returns = isinstance(publication.source, DEVICES)
        self._stall_after = stall_after if self._returns else 0.0
        self._loop = asyncio.get_running_loop()
        self._presence = Presence(self.label, returns=self._returns, limit=self._limit(capture), now=self._loop.time())
        self._came_at = publication.came_at = self._loop.time()  # when the last frame came
        self._last = capture
        self._held: list[Capture] = []  # whose devices are not known to be free
        self._stuck: DeviceRelease | None = None  # a device that did not open, and does not answer
        self._identity: asyncio.Future[Identity] | None = None
        self._stops: list[Callable[[], None]] = []
        self._fillers: list[Filler] = []
        self._tasks: set[asyncio.Task[object]] = set()
        self._opening: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False
        self._adopt(capture)
        self._arm()

    def end(self) -> None:
        """Send nothing more, and open nothing. This cannot fail, and may be called twice."""
        if self._is_over:
            return  # an opening that is cancelled twice does not wait for its device to close
        self._is_over = True
        for _, fanout in self._fanouts:
            fanout.rest()  # first, or those to whom it passed as it is would get encoders
        self._unsubscribe()
        self._stop_filling()
        for _, fanout in self._fanouts:
            fanout.rest()
        if self._timer is not None:
            self._timer.cancel()
        if self._opening is not None:
            self._opening.cancel()

    async def release(self) -> list[DeviceRelease]:
        """Let the device go, within a limit; say how that went, and which earlier one would not close.

        May be called again: it then looks whether the device is free.
        """
        self.end()
        held = tuple(self._held) or (self._last,)
        released = await asyncio.gather(*(self._let_go(capture) for capture in held))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=RELEASE_LIMIT)
        known = [*released, *([self._stuck] if self._stuck is not None else [])]
        return [release for release in known if release.outcome is Outcome.STUCK] or released[-1:]

    # -- what the device gives --

    def _adopt(self, capture: Capture) -> None:
        """Take over an open device, and its identity while it is there."""
        self._last, self._stuck = capture, None
        self._held.append(capture)
        self.publication.format = capture.format
        ended = _once(self._ended)
        self._stops = [Tap(capture, kind, fanout, came=self._note, ended=ended).close for kind, fanout in self._fanouts]
        if self._returns:
            self._identity = self._loop.run_in_executor(None, identify, capture.source, self._roots)

    def _note(self) -> None:
        """Note that the device lives, in its thread; the loop is told only if that changes something."""
        self._came_at = self.publication.came_at = self._loop.time()
        if self._presence.state is not State.LIVE:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._came)

    def _came(self) -> None:
        if not self._is_over:
            self._apply(self._presence.frame(self._came_at))

    def _ended(self, text: str | None) -> None:
        self._apply(self._presence.ended(text, self._loop.time()))

    def _limit(self, capture: Capture) -> float:
        return stall_limit(self._stall_after, capture.format.fps)

    # -- what is to be done about it --

    def _apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._carry_out(effect)
        self._arm()

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Lose(event):
                log.info("%s", event.text)
                self.publication.is_lost = True
                self._give_back()
                self._fillers = [Filler(fanout) for _, fanout in self._fanouts]
                self._tell(event)
            case Open():
                self._opening = self._start(self._open(), f"open {self.label}")
            case LetGo():
                self._give_back()
            case Return(event):
                log.info("the %s is back after %.1f s", event.device, event.lost_for)
                self.publication.is_lost = False
                self._stop_filling()
                self._tell(event)
            case Finish(event):
                self.end()
                self._tell(event)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = None if self._is_over else self._presence.next_deadline()
        self._timer = None if due is None else self._loop.call_at(due, self._advance)

    def _advance(self) -> None:
        if self._presence.state is State.LIVE:
            self._presence.frame(self._came_at)
        self._apply(self._presence.advance(self._loop.time()))

    # -- letting go and opening again --

    def _give_back(self) -> None:
        """Let the present device go in the background: it may take its time, and nothing waits for it."""
        self._unsubscribe()
        self._start(self._let_go(self._last), f"release {self.label}")

    async def _let_go(self, capture: Capture) -> DeviceRelease:
        released = await capture.release(RELEASE_LIMIT)
        if released.outcome is not Outcome.STUCK and capture in self._held:
            self._held.remove(capture)
        return released

    async def _open(self) -> None:
        """Open the same device again, if it is there. From the open device to its owner nothing is awaited."""
        try:
            capture = await self._find_and_acquire()
        except Exception as error:  # whatever it is may be over at the next time: a kiosk runs for months
            log.debug("the %s is not back: %r", self.label, error)
            self._presence.failed(self._loop.time())
        else:
            self._adopt(capture)
            self._presence.opened(self._limit(capture), self._loop.time())
        self._arm()

    async def _find_and_acquire(self) -> Capture:
        assert self._identity is not None, "only devices are opened again"
        source = await asyncio.to_thread(find, await self._identity, self._roots)
        if source is None:
            raise DeviceNotFound(f"There is no {self.label}.")
        for held in [held for held in self._held if held.source.key == source.key]:
            if (await self._let_go(held)).outcome is Outcome.STUCK:
                raise DeviceBusy(f"The {self.label} has not been let go yet.")
        return await acquire(source, given_up=self._given_up)

    def _given_up(self, release: DeviceRelease) -> None:
        """Remember an attempt that hangs in the driver: the exit has to name it."""
        if release.outcome is Outcome.STUCK:
            self._stuck = release

    # -- bookkeeping --

    def _start(self, work: Coroutine[object, object, object], name: str) -> "asyncio.Task[object]":
        task: asyncio.Task[object] = asyncio.create_task(work, name=name)
        self._tasks.add(task)  # the loop alone would not keep it alive
        task.add_done_callback(self._tasks.discard)
        return task

    def _unsubscribe(self) -> None:
        while self._stops:
            self._stops.pop()()

    def _stop_filling(self) -> None:
        while self._fillers:
            self._fillers.pop().stop()


def _once(call: Callable[[str | None], None]) -> Callable[[str | None], None]:
    """Both kinds of a file end; it is said once."""
    called = False

    def first(text: str | None) -> None:
        nonlocal called
        if not called:
            called = True
            call(text)

    return first
