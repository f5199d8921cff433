"""Opening, reading and closing one source, in the thread that calls: of the program, or of a process of its own.

OPENING ──first frame──► LIVE ──stop, end or failure──► CLOSED
   └────────── cannot be opened, or stop ─────────────────┘
"""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

import av

from peer.capture.coded import Coded, Coding
from peer.capture.device_input import open_camera, open_microphone, open_screen
from peer.capture.failures import running_failure
from peer.capture.file_input import open_file
from peer.capture.format import Opened
from peer.capture.input import Demand, Frame, Input
from peer.capture.pattern_input import PatternInput
from peer.capture.source import Camera, File, Kind, Microphone, Screen, Source, TestPattern
from peer.errors import DeviceFailed

logger = logging.getLogger(__name__)

TURN_POLL = 0.01  # seconds between looks whether the last user has closed, or a file has its first subscriber


@dataclass(frozen=True)
class Ready:
    """A source that is open and gives frames."""

    kinds: tuple[Kind, ...]
    form: Opened
    coded: Mapping[Kind, Coding] = field(default_factory=dict)  # what it can give encoded besides


@dataclass(frozen=True)
class Ending:
    """Why a source ended by itself; `text` is None when it was simply over."""

    text: str | None


class Audience(Protocol):
    """Whom a reading tells what its source gives. It is told in the thread that reads."""

    @property
    def is_there(self) -> bool:
        """Whether anybody wants anything: a file does not begin before."""

    @property
    def demand(self) -> Demand:
        """What is wanted."""

    def ready(self, ready: Ready) -> None:
        """The source is open and gives frames."""

    def take(self, frame: Frame) -> None:
        """Here is a frame."""

    def take_coded(self, coded: Coded) -> None:
        """Here is something encoded. Only if that is wanted."""


class Reading:
    """One source from its opening to its close. `opening` encloses the opening."""

    def __init__(
        self,
        source: Source,
        stop: threading.Event,
        audience: Audience,
        opening: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.source = source
        self._stop = stop
        self._audience = audience
        self._opening = opening
        self._is_ready = False

    def run(self) -> Ending | None:
        """Read until told to stop; return why the source ended by itself, None if it did not.

        Raises `DeviceError` if it cannot be opened. However this ends, the source is closed.
        """
        with self._opening():
            opened = open_input(self.source, self._stop)
        try:
            return self._read(opened)
        finally:
            opened.close()

    def _read(self, opened: Input) -> Ending | None:
        try:
            if not opened.is_live:
                self._wait_for_audience(opened)
            while not self._stop.is_set():
                self._read_once(opened)
        except EOFError:
            return Ending(None)
        except (av.FFmpegError, OSError) as error:
            return Ending(running_failure(self.source, error.errno or 0))
        except Exception as error:  # must end here: its traceback may hold a frame in the driver's memory
            logger.exception("the reader of %s failed", self.source.label)
            return Ending(f"The {self.source.label} failed: {error!r}.")
        return None

    def _wait_for_audience(self, opened: Input) -> None:
        self._tell_ready(opened)
        while not self._audience.is_there and not self._stop.wait(TURN_POLL):
            pass

    def _read_once(self, opened: Input) -> None:
        opened.demand = self._audience.demand if self._is_ready else Demand()
        items = opened.read()
        if not items:
            self._stop.wait(opened.delay())
            return
        if not self._is_ready:
            self._tell_ready(opened)
        for item in items:
            self._hand_out(item)

    def _hand_out(self, item: Frame | Coded) -> None:
        if isinstance(item, Coded):
            self._audience.take_coded(item)
        else:
            self._audience.take(item)

    def _tell_ready(self, opened: Input) -> None:
        self._is_ready = True
        self._audience.ready(Ready(opened.kinds, opened.form, opened.coded))


def kind_of(frame: Frame) -> Kind:
    """Return which kind a frame is of."""
    return Kind.VIDEO if isinstance(frame, av.VideoFrame) else Kind.AUDIO


def open_input(source: Source, stop: threading.Event) -> Input:
    """Open a source in the calling thread. Raises `DeviceError`."""
    if (opened := source.open_input()) is not None:
        return opened
    match source:
        case Camera():
            return open_camera(source)
        case Microphone():
            return open_microphone(source)
        case Screen():
            return open_screen(source)
        case File():
            return open_file(source, stop)
        case TestPattern():
            return PatternInput(source)
        case _:
            raise DeviceFailed(
                f"{source!r} is no source that can be opened: use Camera, Microphone, Screen, File or TestPattern."
            )
