"""What we publish: sources on their way into the fan-outs that every connection reads."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from peer.capture import Capture, Kind, Opened, Source, acquire
from peer.errors import UsageError
from peer.events import DeviceRelease, Outcome, SourceEnded
from peer.media.fanout import Fanout

RELEASE_LIMIT = 1.2  # seconds for one device
CLOSE_LIMIT = 1.6  # seconds for everything at the same time; less than the step of the exit may take
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Publication:
    """One published source: what of it is sent, and what was really opened."""

    source: Source
    kinds: tuple[Kind, ...]
    format: Opened
    capture: Capture = field(repr=False)
    stops: tuple[Callable[[], None], ...] = field(repr=False)


class Publishing:
    """Owns the fan-outs of a peer and every device that it opened."""

    def __init__(self, on_ended: Callable[[SourceEnded], None]) -> None:
        self.fanouts = {kind.value: Fanout(kind.value) for kind in Kind}
        self.publications: list[Publication] = []
        self._on_ended = on_ended
        self._opening: set[asyncio.Task[Publication]] = set()
        self._releasing: set[asyncio.Task[DeviceRelease]] = set()
        self._held: list[Publication] = []  # whose devices are not known to be free
        self._given_up: list[DeviceRelease] = []  # while they were opening, because we leave
        self._closed = False

    async def publish(self, source: Source, kinds: Iterable[Kind] | None) -> Publication:
        """Open a source and send what it delivers. Raises `DeviceError`, or `UsageError` if a kind is taken.

        The work is a task of its own, so that an exit in the middle of it can give it up and be sure of the device.
        """
        wanted = tuple(source.kinds if kinds is None else kinds)
        self._check_source(source)
        if set(wanted) != set(Kind):  # what a file holds is known once it is open
            self._check_kinds(source, wanted, wanted)
        opening = asyncio.create_task(self._open(source, wanted), name=f"open {source.label}")
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)
        try:
            await asyncio.wait({opening})
        except asyncio.CancelledError:
            if not opening.cancel() and not opening.cancelled() and opening.exception() is None:
                self._release(opening.result())
            raise
        if opening.cancelled():
            raise UsageError(f"{source.label} was given up while it was opening: we are leaving the room")
        return opening.result()

    async def unpublish(self, publication: Publication) -> DeviceRelease:
        """Stop sending a source and let its device go, within a limit."""
        return await asyncio.shield(self._release(publication))

    async def close(self) -> list[DeviceRelease]:
        """End what is sent, give up what is opening, release every device: all at the same time, within a limit."""
        self._closed = True
        for fanout in self.fanouts.values():
            fanout.close()
        opening = list(self._opening)
        for task in opening:
            task.cancel()
        releasing = [self._release(one) for one in tuple(self._held)]
        if tasks := [*opening, *releasing]:
            await asyncio.wait(tasks, timeout=CLOSE_LIMIT)
        return [
            *(_outcome(task) for task in releasing),
            *self._given_up,
            *(_stuck(task.get_name().removeprefix("open ")) for task in opening if not task.done()),
        ]

    async def _open(self, source: Source, wanted: tuple[Kind, ...]) -> Publication:
        """From the open device to the list of publications nothing is awaited: it is in one or the other's hands."""
        capture = await acquire(source, given_up=self._let_go)
        kinds = tuple(kind for kind in capture.kinds if kind in wanted)
        try:
            self._check_source(source)
            self._check_kinds(source, kinds, wanted)
        except UsageError:
            await capture.release(RELEASE_LIMIT)
            raise
        ended = _once(lambda text: self._ended(source, text))
        stops = tuple(capture.subscribe(kind, self.fanouts[kind].push, ended) for kind in kinds)
        publication = Publication(source, kinds, capture.format, capture, stops)
        self.publications.append(publication)
        self._held.append(publication)
        return publication

    def _release(self, publication: Publication) -> "asyncio.Task[DeviceRelease]":
        """Stop sending, and let the device go. May be called again: it then looks whether the device is free."""
        if publication in self.publications:
            self.publications.remove(publication)
        for stop in publication.stops:
            stop()
        task = asyncio.create_task(self._let_device_go(publication), name=f"release {publication.source.label}")
        self._releasing.add(task)  # the loop alone would not keep it alive
        task.add_done_callback(self._releasing.discard)
        return task

    async def _let_device_go(self, publication: Publication) -> DeviceRelease:
        released = await publication.capture.release(RELEASE_LIMIT)
        if publication in self._held:
            self._held.remove(publication)
        return released

    def _let_go(self, release: DeviceRelease) -> None:
        if self._closed:
            self._given_up.append(release)

    def _ended(self, source: Source, text: str | None) -> None:
        """A source has ended by itself: let it go and say so."""
        for publication in tuple(self.publications):
            if publication.source is source:
                self._release(publication)
                self._on_ended(SourceEnded(device=source.label, text=text))

    def _check_source(self, source: Source) -> None:
        if self._closed:
            raise UsageError(f"cannot publish {source.label}: we are leaving the room")
        if any(publication.source is source for publication in self.publications):
            raise UsageError(f"{source.label} is published already")

    def _check_kinds(self, source: Source, kinds: tuple[Kind, ...], wanted: tuple[Kind, ...]) -> None:
        if not kinds:
            raise UsageError(f"{source.label} has no {' or '.join(wanted) or 'picture or sound'}")
        for publication in self.publications:
            for kind in set(kinds) & set(publication.kinds):
                raise UsageError(f"{publication.source.label} is our {kind} already: unpublish it first")


def _once(call: Callable[[str | None], None]) -> Callable[[str | None], None]:
    """Both kinds of a file end; it is said once."""
    called = False

    def first(text: str | None) -> None:
        nonlocal called
        if not called:
            called = True
            call(text)

    return first


def _outcome(task: "asyncio.Task[DeviceRelease]") -> DeviceRelease:
    return task.result() if task.done() and not task.cancelled() else _stuck(task.get_name().removeprefix("release "))


def _stuck(device: str) -> DeviceRelease:
    return DeviceRelease(device=device, outcome=Outcome.STUCK, took=CLOSE_LIMIT, text="it did not answer in time")
