"""One device, as its users share it, and the thread that looks after it.

    OPENING ──first frame──► LIVE ──stop, end or failure──► CLOSING ──► CLOSED
       └────────── cannot be opened, or stop ──────────────────┘

A `ThreadReader` reads the device in that thread itself. A device that blocks inside the driver holds the thread and
nothing else: it is a daemon, everybody who waits for it has a limit, and it closes the device should the driver ever
return. A `ProcessReader` (in `process.py`) has it read by a process, which it can end.
"""

import asyncio
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from peer.capture.coded import Coded
from peer.capture.handles import Watch
from peer.capture.input import Demand, Frame
from peer.capture.mailbox import Deliver, DeliverCoded, Ended, Handover, Mailbox
from peer.capture.oneshot import OneShot
from peer.capture.reading import TURN_POLL, Ending, Reading, Ready, kind_of
from peer.capture.source import Kind, Source
from peer.capture.track import Track
from peer.errors import DeviceError, DeviceFailed
from peer.events import Outcome

logger = logging.getLogger(__name__)

HANDLE_LIMIT = 0.2  # seconds that handles may outlive the close (a sound server hangs up on its own thread)
HANDLE_POLL = 0.005  # seconds


@dataclass(frozen=True)
class Closing:
    """How a device was closed."""

    outcome: Outcome
    text: str | None = None


class Reader(ABC):
    """One device and its thread. `gone` is called in that thread as soon as the device gives nothing more."""

    def __init__(self, source: Source, after: "Reader | None", gone: "Callable[[Reader], None]") -> None:
        self.source = source
        self.opened: OneShot[Ready | DeviceError] = OneShot()
        self.closed: OneShot[Closing] = OneShot()
        self.dropped: dict[Kind, int] = dict.fromkeys(source.kinds, 0)
        self.taken: dict[Kind, int] = dict.fromkeys(source.kinds, 0)
        self._after = after
        self._gone = gone
        self._stop = threading.Event()
        self._lock = threading.Lock()  # of those below
        self._mailboxes: tuple[Mailbox[Frame], ...] = ()
        self._coded: tuple[Handover[Coded], ...] = ()
        self.demand = Demand(frozenset())  # what subscribers want; another object whenever it changes
        self._ending: Ending | None = None
        self._thread = threading.Thread(target=self._run, name=f"exeunt {source.label}", daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    @property
    def awaits(self) -> "Reader | None":
        """The device's last user, which has not closed it yet."""
        return self._after

    @property
    def is_stopping(self) -> bool:
        """Whether the device has been told to close."""
        return self._stop.is_set()

    @property
    def why_stuck(self) -> str:
        """Who is to blame if the device does not close, in words."""
        if isinstance(self.source, Track):
            return "its stop() does not return"
        return "the device does not answer; it is closed as soon as the driver returns"

    def start(self) -> None:
        """Begin to open the device."""
        self._thread.start()

    def stop(self) -> None:
        """Have the device closed, from any thread; `closed` says when it is."""
        self._stop.set()

    def subscribe(self, kind: Kind, deliver: Deliver, ended: Ended | None, *, at_once: bool) -> Mailbox[Frame]:
        """Deliver frames of one kind from now on: on the running loop, or `at_once` in the device's thread."""
        mailbox = (Handover if at_once else Mailbox)(kind, asyncio.get_running_loop(), deliver, ended)
        with self._lock:
            self._mailboxes = (*self._mailboxes, mailbox)
            self._note_demand()
            ending = self._ending
        if ending is not None:
            mailbox.end(ending.text)
        return mailbox

    def subscribe_coded(self, kind: Kind, deliver: DeliverCoded, ended: Ended | None) -> Handover[Coded]:
        """Deliver what the device gives encoded from now on, in the device's thread."""
        mailbox = Handover(kind, asyncio.get_running_loop(), deliver, ended)
        with self._lock:
            self._coded = (*self._coded, mailbox)
            self._note_demand()
            ending = self._ending
        if ending is not None:
            mailbox.end(ending.text)
        return mailbox

    def unsubscribe(self, mailbox: Mailbox[Frame] | Mailbox[Coded]) -> None:
        """Deliver nothing more to a subscriber. May be called twice."""
        mailbox.close()
        with self._lock:
            self._mailboxes = tuple(other for other in self._mailboxes if other is not mailbox)
            self._coded = tuple(other for other in self._coded if other is not mailbox)
            self._note_demand()

    def _note_demand(self) -> None:
        frames, coded = (frozenset(box.kind for box in boxes) for boxes in (self._mailboxes, self._coded))
        self.demand = Demand(frames, coded)

    def ready(self, ready: Ready) -> None:
        """Tell those who wait that the device is open and gives frames."""
        self.opened.set(ready)

    def take(self, frame: Frame) -> None:
        """Deliver a frame to its subscribers."""
        kind = kind_of(frame)
        self.taken[kind] += 1
        for mailbox in self._mailboxes:
            if mailbox.kind is kind:
                self.dropped[kind] += mailbox.put(frame)

    def take_coded(self, coded: Coded) -> None:
        """Deliver something encoded to its subscribers."""
        for mailbox in self._coded:
            if mailbox.kind is coded.kind:
                mailbox.put(coded)

    @abstractmethod
    def _read(self) -> Ending | None:
        """Have the device read until it is told to stop; return why it ended by itself, None if it did not.

        It is closed when this returns or raises. Raises `DeviceError` if it cannot be opened.
        """

    @abstractmethod
    def _verify(self) -> Closing:
        """Look whether the system agrees that the device is closed."""

    def _run(self) -> None:
        ending: Ending | None
        try:
            self._wait_for_predecessor()
            ending = self._read()
        except DeviceError as error:
            ending = Ending(str(error))
            self.opened.set(error)
        except Exception as error:  # the thread's outermost boundary: whoever waits must be told
            logger.exception("the reader of %s failed", self.source.label)
            ending = Ending(f"The {self.source.label} failed: {error!r}.")
        if ending is not None and ending.text is not None:
            self.opened.set(DeviceFailed(ending.text))  # counts if it never gave a frame
        self._gone(self)
        self.closed.set(self._verify())
        self._announce(ending)

    def _wait_for_predecessor(self) -> None:
        """Let the last reader of this device close it before we open it."""
        while self._after is not None and self._after.closed.wait_in_thread(TURN_POLL) is None:
            if self._stop.is_set():
                raise DeviceFailed(f"The {self.source.label} is still being closed by its last user: restart it.")
        self._after = None

    def _announce(self, ending: Ending | None) -> None:
        if ending is None:
            self.opened.set(DeviceFailed(f"The {self.source.label} was given up before it gave anything."))
            return
        with self._lock:
            self._ending = ending
            mailboxes: list[Mailbox[Frame] | Mailbox[Coded]] = [*self._mailboxes, *self._coded]
        for mailbox in mailboxes:
            mailbox.end(ending.text)


class ThreadReader(Reader):
    """Reads its device in its own thread: it opens, reads, converts and closes it, and nobody else touches it."""

    def __init__(self, source: Source, after: Reader | None, gone: Callable[[Reader], None]) -> None:
        super().__init__(source, after, gone)
        self._watch = Watch(source)

    @property
    def is_there(self) -> bool:
        """Whether there is a subscriber."""
        return bool(self._mailboxes or self._coded)

    def _read(self) -> Ending | None:
        return Reading(self.source, self._stop, self, self._watch.opening).run()

    def _verify(self) -> Closing:
        if self.source.is_virtual:
            return Closing(Outcome.VERIFIED)
        deadline = time.monotonic() + HANDLE_LIMIT
        while (left := self._watch.left()) and time.monotonic() < deadline:
            threading.Event().wait(HANDLE_POLL)
        if left:
            return Closing(Outcome.STUCK, f"closed, yet {left[0].target} is still open as {left[0].number}")
        return Closing(Outcome.VERIFIED if self._watch.saw_handles else Outcome.CLOSED)
