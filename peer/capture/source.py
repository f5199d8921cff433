"""What can be captured, as values: a source says which device and how; nothing is opened before `acquire()`.

Source ── Camera · Microphone · Screen · File · TestPattern · Track (in `track.py`)
          · VideoSource · AudioSource (in `written.py`)
"""

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from peer.errors import UsageError

if TYPE_CHECKING:
    from peer.capture.input import Input


class Kind(StrEnum):
    """What a source gives, in WebRTC's words."""

    AUDIO = "audio"
    VIDEO = "video"


class Isolation(StrEnum):
    """Where a source is read: whatever hangs or crashes there harms nothing else."""

    THREAD = "thread"  # of this process: no cost; a driver that does not return keeps its device
    PROCESS = "process"  # of its own: it can be ended whatever the driver does


class Source(ABC):
    """A specification of something to capture.

    `isolation` says where it is read, "thread" or "process"; None: in a process of its own where the driver may hang
    (X screens, all devices of macOS), else in a thread. It does not tell devices apart: one that is open already is
    shared as it is read.
    """

    isolation: Isolation | str | None = None
    is_virtual = False  # nothing of the system's is behind it: once its thread lets go, it is free

    def __post_init__(self) -> None:
        if self.isolation is not None and self.isolation not in list(Isolation):
            raise UsageError(f"{self.isolation!r} is no isolation: it is 'thread', 'process' or None.")

    def open_input(self) -> "Input | None":
        """Open it in the thread that calls; None: how to is known elsewhere, or not at all."""
        return None

    @property
    @abstractmethod
    def kinds(self) -> tuple[Kind, ...]:
        """What the source may give; what it really gives is `Capture.kinds`."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The device in words, as in "camera /dev/video0"."""

    @property
    @abstractmethod
    def key(self) -> Hashable:
        """Sources with an equal key are one device: it is opened once and counted."""


@dataclass(frozen=True)
class Camera(Source):
    """A camera; without `device`, the first of `enumerate_devices()`. Size and rate are wishes: see `Capture.format`.

    `coding="h264"` asks a camera on Linux that encodes by itself for H.264: that is sent as it is to whoever takes it,
    which costs next to nothing. But then the camera decides on bitrate and key frames, and one that cannot gives what
    it gives without.

    `device` is a path on Linux ("/dev/video0", or a lasting one under /dev/v4l/by-id), an index or a name on macOS,
    a name on Windows. Two specifications of one device are one camera, opened as the first of them asked.
    """

    device: str | None = None
    _: KW_ONLY
    width: int = 1280
    height: int = 720
    fps: float = 30
    coding: str | None = None
    isolation: Isolation | str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.coding not in (None, "h264"):
            raise UsageError(f"A camera cannot be asked for {self.coding!r}: coding is 'h264' or None.")

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Pictures only: the microphone of a camera is a `Microphone`."""
        return (Kind.VIDEO,)

    @property
    def label(self) -> str:
        """The camera in words."""
        return f"camera {self.device or '(the first)'}"

    @property
    def key(self) -> Hashable:
        """The device, whichever link names it."""
        is_path = self.device is not None and self.device.startswith("/")
        return ("camera", os.path.realpath(self.device) if self.device and is_path else self.device)


@dataclass(frozen=True)
class Microphone(Source):
    """A microphone; without `device`, the system's default.

    `device` is an ALSA name on Linux ("default", "pulse", "hw:0,0"), an index or a name on macOS, a name on Windows.
    """

    device: str | None = None
    _: KW_ONLY
    isolation: Isolation | str | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Sound only."""
        return (Kind.AUDIO,)

    @property
    def label(self) -> str:
        """The microphone in words."""
        return f"microphone {self.name}"

    @property
    def key(self) -> Hashable:
        """The name of the device."""
        return ("microphone", self.name)

    @property
    def name(self) -> str:
        """The device that is meant: "default" when none was named."""
        return self.device or "default"


@dataclass(frozen=True)
class Screen(Source):
    """A screen or a part of it; without `display`, the one the program runs on. Without a size, all of it.

    `x` and `y` are the upper left corner of the part. `display` is an X display on Linux (":0"); elsewhere the main
    screen is meant when it is left out.
    """

    display: str | None = None
    _: KW_ONLY
    width: int | None = None
    height: int | None = None
    fps: float = 30
    x: int = 0
    y: int = 0
    cursor: bool = True
    isolation: Isolation | str | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Pictures only."""
        return (Kind.VIDEO,)

    @property
    def label(self) -> str:
        """The screen in words."""
        return f"screen {self.name}" if self.name else "screen"

    @property
    def key(self) -> Hashable:
        """Everything: parts of a screen are opened side by side."""
        return ("screen", self.name, self.width, self.height, self.fps, self.x, self.y, self.cursor)

    @property
    def name(self) -> str:
        """The display that is meant: $DISPLAY when none was named, empty when there is none."""
        if self.display is not None or sys.platform in ("darwin", "win32"):
            return self.display or ""
        return os.environ.get("DISPLAY", "")


@dataclass(frozen=True, eq=False)
class File(Source):
    """A file or a URL of any form FFmpeg reads, played at its own pace from the first subscription on.

    `loop=True` begins again at the end. Two `File` objects are two players. A path that blocks (a named pipe nobody
    writes into, a dead network disk) holds the reading thread, and its release ends as `Outcome.STUCK`:
    `isolation="process"` lets go of it all the same.
    """

    path: str | Path
    _: KW_ONLY
    loop: bool = False
    isolation: Isolation | str | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Perhaps both: known when it is open."""
        return (Kind.AUDIO, Kind.VIDEO)

    @property
    def label(self) -> str:
        """The file in words."""
        return f"file {self.path}"

    @property
    def key(self) -> Hashable:
        """This object: every `File` plays on its own."""
        return ("file", id(self))

    @property
    def is_url(self) -> bool:
        """Whether it comes by a protocol, and not from the file system."""
        return "://" in str(self.path)


@dataclass(frozen=True, eq=False)
class TestPattern(Source):
    """A moving picture with a clock and a machine-readable time code (see `peer.capture.timecode`), and a tone.

    `tone` is in Hz, at -12 dBFS; 0 gives no sound at all.
    """

    __test__ = False  # pytest: this is no test
    is_virtual = True

    _: KW_ONLY
    width: int = 1280
    height: int = 720
    fps: float = 30
    tone: float = 440.0

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Both, or pictures only without a tone."""
        return (Kind.AUDIO, Kind.VIDEO) if self.tone else (Kind.VIDEO,)

    @property
    def label(self) -> str:
        """The pattern in words."""
        return "test pattern"

    @property
    def key(self) -> Hashable:
        """This object: every `TestPattern` runs on its own."""
        return ("test pattern", id(self))
