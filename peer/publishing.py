"""What we publish: sources on their way into the fan-outs that every connection reads."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from peer.capture import Capture, Kind, Opened, Source, acquire
from peer.errors import UsageError
from peer.events import DeviceRelease, Outcome, SourceEnded
from peer.media.fanout import Fanout

RELEASE_LIMIT = 1.5  # seconds for one device
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
        self._opening: set[asyncio.Task[Capture]] = set()
        self._releasing: set[asyncio.Task[DeviceRelease]] = set()
        self._closed = False

    async def publish(self, source: Source, kinds: Iterable[Kind] | None) -> Publication:
        """Open a source and send what it delivers. Raises `DeviceError`, or `UsageError` if a kind is taken."""
        if self._closed:
            raise UsageError(f"cannot publish {source.label}: we are leaving the room")
        if any(publication.source is source for publication in self.publications):
            raise UsageError(f"{source.label} is published already")
        wanted = tuple(source.kinds if kinds is None else map(Kind, kinds))
        if set(wanted) != set(Kind):  # what a file holds is known once it is open
            self._check_free(wanted)
        opening = asyncio.create_task(acquire(source), name=f"open {source.label}")
        self._opening.add(opening)
        try:
            capture = await self._opened(opening, source)
        finally:
            self._opening.discard(opening)
        return await self._connect(source, capture, wanted)

    async def unpublish(self, publication: Publication) -> DeviceRelease:
        """Stop sending a source and let its device go, within a limit."""
        if publication in self.publications:
            self.publications.remove(publication)
        for stop in publication.stops:
            stop()
        return await publication.capture.release(RELEASE_LIMIT)

    async def close(self) -> list[DeviceRelease]:
        """End what is sent, give up what is opening, release every device at the same time."""
        self._closed = True
        for fanout in self.fanouts.values():
            fanout.close()
        for opening in tuple(self._opening):
            opening.cancel()
        if self._opening:
            await asyncio.wait(self._opening, timeout=RELEASE_LIMIT)
        waits = [asyncio.create_task(self.unpublish(publication)) for publication in tuple(self.publications)]
        waits += self._releasing
        return list(await asyncio.gather(*waits)) + [_stuck(task.get_name()) for task in self._opening]

    async def _opened(self, opening: "asyncio.Task[Capture]", source: Source) -> Capture:
        """Wait for a source to open; if we are cancelled or leave meanwhile, the device is given up."""
        try:
            await asyncio.wait({opening})
        except asyncio.CancelledError:
            opening.cancel()
            raise
        if opening.cancelled():
            raise UsageError(f"{source.label} was given up while it was opening: we are leaving the room")
        return opening.result()

    async def _connect(self, source: Source, capture: Capture, wanted: tuple[Kind, ...]) -> Publication:
        kinds = tuple(kind for kind in capture.kinds if kind in wanted)
        try:
            self._check_present(source, kinds, wanted)
            self._check_free(kinds)
        except UsageError:
            await capture.release(RELEASE_LIMIT)
            raise
        ended = _once(lambda text: self._ended(source, text))
        stops = tuple(capture.subscribe(kind, self.fanouts[kind].push, ended) for kind in kinds)
        publication = Publication(source, kinds, capture.format, capture, stops)
        self.publications.append(publication)
        return publication

    @staticmethod
    def _check_present(source: Source, kinds: Iterable[Kind], wanted: Iterable[Kind]) -> None:
        if not kinds:
            raise UsageError(f"{source.label} has no {' or '.join(wanted)}")

    def _check_free(self, kinds: Iterable[Kind]) -> None:
        for kind in kinds:
            for publication in self.publications:
                if kind in publication.kinds:
                    raise UsageError(f"{publication.source.label} is our {kind} already: unpublish it first")

    def _ended(self, source: Source, text: str | None) -> None:
        """A source has ended by itself: let it go and say so."""
        publication = next((one for one in self.publications if one.source is source), None)
        if publication is None:
            return
        task = asyncio.create_task(self.unpublish(publication), name=f"release {source.label}")
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)
        self._on_ended(SourceEnded(device=source.label, text=text))


def _once(call: Callable[[str | None], None]) -> Callable[[str | None], None]:
    """Both kinds of a file end; it is said once."""
    called = False

    def first(text: str | None) -> None:
        nonlocal called
        if not called:
            called = True
            call(text)

    return first


def _stuck(device: str) -> DeviceRelease:
    return DeviceRelease(
        device=device, outcome=Outcome.STUCK, took=RELEASE_LIMIT, text="did not open or give up in time"
    )
