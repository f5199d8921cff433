"""What we publish: sources on their way into the fan-outs that every connection reads."""

import asyncio
from collections.abc import Callable, Iterable
from typing import get_args

from msgspec.structs import replace

from peer.capture import Kind, Source, acquire
from peer.capture.identity import ROOTS, Roots
from peer.checks import check_bitrate, check_codec
from peer.errors import UsageError
from peer.events import DeviceRelease, Outcome, SourceEnded
from peer.media.encoders import codecs_of
from peer.media.fanout import Fanout
from peer.media.sending import Sending
from peer.supply import RELEASE_LIMIT, Publication, SourceEvent, Supply
from signaling.messages import MediaKind

STALL_AFTER = 3.0  # seconds
AS_USUAL = Sending()
KINDS: tuple[MediaKind, ...] = get_args(MediaKind)
CLOSE_LIMIT = 1.6  # seconds for everything at the same time; less than the step of the exit may take
__all__ = ["Publication", "Publishing", "SourceEvent", "sending_as"]


class Publishing:
    """Owns the fan-outs of a peer and every device that it opened.

    `on_event` is told what happens to a source: a device that gives nothing for `stall_after` seconds is lost (0 and
    inf: only one that fails is). `on_change` is called when `kinds` are others than before; not by `close`. `roots` is
    where the system tells of its devices.
    """

    def __init__(
        self,
        on_event: Callable[[SourceEvent], None],
        on_change: Callable[[], None] = lambda: None,
        *,
        stall_after: float = STALL_AFTER,
        roots: Roots = ROOTS,
    ) -> None:
        self.fanouts = {kind.value: Fanout(kind.value) for kind in Kind}
        self._supplies: list[Supply] = []
        self._on_event, self._on_change = on_event, on_change
        self._stall_after = stall_after
        self._roots = roots
        self._opening: set[asyncio.Task[Supply]] = set()
        self._releasing: set[asyncio.Task[list[DeviceRelease]]] = set()
        self._held: list[Supply] = []  # whose devices are not known to be free
        self._given_up: list[DeviceRelease] = []  # while they were opening, because we leave
        self._closed = False

    @property
    def publications(self) -> list[Publication]:
        """What is being sent, black and silence in the place of a lost device included."""
        return [supply.publication for supply in self._supplies]

    @property
    def kinds(self) -> tuple[MediaKind, ...]:
        """The kinds of which something is being sent."""
        return tuple(kind for kind in KINDS if any(Kind(kind) in supply.publication.kinds for supply in self._supplies))

    @property
    def muted(self) -> tuple[MediaKind, ...]:
        """The kinds of which silence or black is sent."""
        return tuple(kind for kind in KINDS if self.fanouts[kind].muted)

    async def publish(self, source: Source, kinds: Iterable[Kind] | None, sending: Sending = AS_USUAL) -> Publication:
        """Open a source and send what it delivers, encoded as `sending` says.

        Raises `DeviceError`, or `UsageError` if a kind is taken.
        The work is a task of its own, so that an exit in the middle of it can give it up and be sure of the device.
        """
        wanted = tuple(source.kinds if kinds is None else kinds)
        self._check_source(source)
        if set(wanted) != set(Kind):  # what a file holds is known once it is open
            self._check_kinds(source, wanted, wanted)
        opening = asyncio.create_task(self._open(source, wanted, sending), name=f"open {source.label}")
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
        return opening.result().publication

    async def unpublish(self, publication: Publication) -> DeviceRelease:
        """Stop sending a source and let its device go, within a limit; at any moment, also while it is lost."""
        (supply,) = [supply for supply in self._supplies if supply.publication is publication]
        return (await asyncio.shield(self._release(supply)))[0]

    async def close(self) -> list[DeviceRelease]:
        """End what is sent, give up what is opening, release every device: all at the same time, within a limit."""
        self._closed = True
        for fanout in self.fanouts.values():
            fanout.close()
        encoders = [asyncio.create_task(fanout.wait_until_ended(CLOSE_LIMIT)) for fanout in self.fanouts.values()]
        opening = list(self._opening)
        for task in opening:
            task.cancel()
        releasing = [self._release(one) for one in tuple(self._held)]
        await asyncio.wait([*opening, *releasing, *encoders], timeout=CLOSE_LIMIT)
        return [
            *(release for task in releasing for release in _outcome(task)),
            *self._given_up,
            *(_stuck(task.get_name().removeprefix("open ")) for task in opening if not task.done()),
        ]

    async def _open(self, source: Source, wanted: tuple[Kind, ...], sending: Sending) -> Supply:
        """From the open device to the list of supplies nothing is awaited: it is in one or the other's hands."""
        capture = await acquire(source, given_up=self._let_go)
        kinds = tuple(kind for kind in capture.kinds if kind in wanted)
        try:
            self._check_source(source)
            self._check_kinds(source, kinds, wanted)
        except UsageError:
            await capture.release(RELEASE_LIMIT)
            raise
        if Kind.VIDEO in kinds:
            self.fanouts[Kind.VIDEO].begin(replace(sending, fps=capture.format.fps or sending.fps))
        supply = Supply(
            Publication(source, kinds, capture.format),
            capture,
            self.fanouts,
            tell=lambda event: self._happened(supply, event),
            stall_after=self._stall_after,
            roots=self._roots,
        )
        self._supplies.append(supply)
        self._held.append(supply)
        self._changed()
        return supply

    def _release(self, supply: Supply) -> "asyncio.Task[list[DeviceRelease]]":
        """Stop sending, and let the device go. May be called again: it then looks whether the device is free."""
        if supply in self._supplies:
            self._supplies.remove(supply)
            self._changed()
        supply.end()
        task = asyncio.create_task(self._let_devices_go(supply), name=f"release {supply.label}")
        self._releasing.add(task)  # the loop alone would not keep it alive
        task.add_done_callback(self._releasing.discard)
        return task

    async def _let_devices_go(self, supply: Supply) -> list[DeviceRelease]:
        releases = await supply.release()
        is_free = all(release.outcome is not Outcome.STUCK for release in releases)
        if is_free and supply in self._held and not self._closed:  # the exit's report names what it let go
            self._held.remove(supply)
        return releases

    def _let_go(self, release: DeviceRelease) -> None:
        if self._closed:
            self._given_up.append(release)

    def _changed(self) -> None:
        if not self._closed:  # that we leave, and with it all that we publish, is told otherwise
            self._on_change()

    def _happened(self, supply: Supply, event: SourceEvent) -> None:
        """Say what became of a source; one that has ended by itself is let go."""
        if isinstance(event, SourceEnded):
            self._release(supply)
        self._on_event(event)

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


def _outcome(task: "asyncio.Task[list[DeviceRelease]]") -> list[DeviceRelease]:
    if task.done() and not task.cancelled():
        return task.result()
    return [_stuck(task.get_name().removeprefix("release "))]


def _stuck(device: str) -> DeviceRelease:
    return DeviceRelease(device=device, outcome=Outcome.STUCK, took=CLOSE_LIMIT, text="it did not answer in time")


def sending_as(codec: str = "auto", encoder: str = "software", bitrate: int | None = None) -> Sending:
    """Return how a source is to be sent, in the words of `Peer.publish`. Raises `UsageError` if that cannot be."""
    name, encoded = check_codec(codec), codecs_of(encoder)
    if name == "auto" and len(encoded) == 1:
        name = encoded[0]
    if name not in ("auto", *encoded):
        raise UsageError(f"the encoder {encoder} encodes {encoded[0]}, not {name}")
    return Sending(name, encoder, check_bitrate(bitrate))
