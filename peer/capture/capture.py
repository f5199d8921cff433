"""A device that runs, as one of its users holds it.

capture = await acquire(Camera("/dev/video0"))
unsubscribe = capture.subscribe(Kind.VIDEO, show)
...
print(await capture.release())
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from peer.capture.coded import Coded, Coding
from peer.capture.devices import enumerate_devices
from peer.capture.failures import silent_failure
from peer.capture.format import Opened
from peer.capture.input import Frame
from peer.capture.mailbox import Deliver, DeliverCoded, Ended, Mailbox
from peer.capture.reader import Closing, Reader
from peer.capture.reading import Ready
from peer.capture.registry import Registry, outcome
from peer.capture.source import Camera, Kind, Source
from peer.errors import DeviceNotFound, UsageError
from peer.events import DeviceRelease, Outcome

OPEN_TIMEOUT = 10.0  # seconds from the wish to the first frame
RELEASE_TIMEOUT = 0.5  # seconds a device may take to close

_registry = Registry()


class Capture:
    """One user's hold on an open device. Get it from `acquire()`, give it back with `release()`."""

    def __init__(self, reader: Reader, ready: Ready) -> None:
        self.source = reader.source
        self.kinds: tuple[Kind, ...] = ready.kinds
        self.format: Opened = ready.form
        self.coded: Mapping[Kind, Coding] = ready.coded  # what `subscribe_coded` gives
        self._reader = reader
        self._unsubscribes: list[Callable[[], None]] = []
        self._others: int | None = None  # users left when this one went; None: it has not gone

    @property
    def dropped(self) -> dict[Kind, int]:
        """Frames that the device's subscribers were too slow to take, so far."""
        return {kind: self._reader.dropped[kind] for kind in self.kinds}

    @property
    def taken(self) -> dict[Kind, int]:
        """Frames that the device gave so far, or that were decoded of what it gave."""
        return {kind: self._reader.taken[kind] for kind in self.kinds}

    def subscribe(
        self, kind: Kind, deliver: Deliver, ended: Ended | None = None, *, at_once: bool = False
    ) -> Callable[[], None]:
        """Have `deliver` called with every frame of one kind, on the loop that runs now; return how to end that.

        The newest wins: one picture and ten blocks of sound (200 ms) wait for a busy loop, older ones are dropped and
        counted. Frames are the subscriber's to keep, also after the release; all subscribers get the same ones, so
        they are not to be changed. `ended` is called once if the source ends by itself: with None if it is over, else
        with a sentence that says why.

        With `at_once` frames are delivered in the device's thread, so that none waits for a busy loop; `deliver` must
        not block there, and is not called any more once the subscription has been ended.
        """
        self._check(kind, self.kinds, "kinds")
        return self._ending(self._reader.subscribe(kind, deliver, ended, at_once=at_once))

    def subscribe_coded(self, kind: Kind, deliver: DeliverCoded, ended: Ended | None = None) -> Callable[[], None]:
        """Have `deliver` called, in the device's thread, with what the device gives encoded; return how to end that.

        It must not block there. Frames are decoded only for those who subscribe to them besides: theirs begin with what
        came last, in the time that it takes to decode from the last key frame on.
        """
        self._check(kind, tuple(self.coded), "coded")
        return self._ending(self._reader.subscribe_coded(kind, deliver, ended))

    def _check(self, kind: Kind, known: tuple[Kind, ...], where: str) -> None:
        if kind not in known:
            raise UsageError(f"The {self.source.label} gives no {kind}: look at Capture.{where} before subscribing.")
        if self._others is not None:
            raise UsageError(f"The {self.source.label} has been released: acquire it again.")

    def _ending(self, mailbox: Mailbox[Frame] | Mailbox[Coded]) -> Callable[[], None]:
        def unsubscribe() -> None:
            self._reader.unsubscribe(mailbox)
            if unsubscribe in self._unsubscribes:
                self._unsubscribes.remove(unsubscribe)

        self._unsubscribes.append(unsubscribe)
        return unsubscribe

    async def release(self, limit: float = RELEASE_TIMEOUT) -> DeviceRelease:
        """Give the device back; the last of its users closes it and learns within `limit` seconds how that went.

        `VERIFIED`: it is closed and the system shows no handle. `CLOSED`: this system offers no proof; or others still
        use the device, then `text` says how many. `STUCK`: it did not close in time. May be called again, also to look
        once more after a device was stuck. Subscriptions of this user end at once.
        """
        began = time.monotonic()
        self._give_back()
        if self._others:
            others = f"given back, still used by {self._others} more"
            return DeviceRelease(device=self.source.label, outcome=Outcome.CLOSED, took=0.0, text=others)
        return outcome(self._reader, await _closing(self._reader, limit), began)

    def _give_back(self) -> None:
        """Do what cannot fail, be cancelled or be done twice."""
        if self._others is None:
            self._others = _registry.give_back(self._reader)
        while self._unsubscribes:
            self._unsubscribes[-1]()


async def acquire(
    source: Source, *, limit: float = OPEN_TIMEOUT, given_up: Callable[[DeviceRelease], None] | None = None
) -> Capture:
    """Open a device, or share it if it is open in this process, and wait for its first frame.

    Raises `DeviceNotFound`, `DeviceBusy`, `DeviceDenied` or `DeviceFailed`, the last also if nothing came within
    `limit` seconds. Whoever is cancelled here holds nothing afterwards, unless the driver does not return: `given_up`
    is told how a device that was to be opened was let go.
    """
    reader = _registry.take(await _resolve(source))
    is_ours = False
    try:
        result = await reader.opened.wait(limit)
        if isinstance(result, Ready):
            is_ours = True
            return Capture(reader, result)
    finally:
        if not is_ours and _registry.give_back(reader) == 0:
            await _give_up(reader, given_up or (lambda _: None))
    raise silent_failure(source, limit) if result is None else type(result)(str(result))


def release_all(limit: float) -> list[DeviceRelease]:
    """Close every device of this process from any thread, whoever uses it: for when the loop no longer answers.

    It blocks for up to `limit` seconds and needs no loop.
    """
    return _registry.stop_all(limit)


async def _give_up(reader: Reader, tell: Callable[[DeviceRelease], None]) -> None:
    began = time.monotonic()
    closing: Closing | None = None
    try:
        closing = await _closing(reader, RELEASE_TIMEOUT)
    finally:
        tell(outcome(reader, closing, began))


async def _closing(reader: Reader, limit: float) -> Closing | None:
    """Wait until a device is closed and its thread has ended."""
    began = time.monotonic()
    closing = await reader.closed.wait(limit)
    while closing is not None and reader.is_alive and time.monotonic() - began < limit:  # noqa: ASYNC110
        await asyncio.sleep(0)  # a few instructions from its end, of which no thread can tell afterwards
    return closing


async def _resolve(source: Source) -> Source:
    """Put the first camera's name into a specification without one."""
    if not isinstance(source, Camera) or source.device is not None:
        return source
    devices = await asyncio.to_thread(enumerate_devices)
    camera = next((device.id for device in devices if device.kind == "camera"), None)
    if camera is None:
        raise DeviceNotFound("There is no camera: connect one, or name it, as in Camera('/dev/video0').")
    return replace(source, device=camera)
