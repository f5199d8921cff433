"""A camera and a microphone that do what a test wants, with no hardware, no driver and no root behind them.

    camera = FakeCamera.make(tmp_path, "ana")
    await me.publish(camera)
    camera.unplug()     # onDeviceLost
    camera.plug()       # onDeviceBack
    ...
    assert camera.is_free  # the exit has let it go: another program could have it

Behind each is a file that is locked while it is open, as a driver lends its device to one at a time. For the peer they
are an ordinary `Camera` and `Microphone`: everything but the driver is real. They are read in a thread.
"""

import errno
import fcntl
import os
import threading
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Literal, Self

from peer.capture.format import Opened
from peer.capture.input import Frame, Input
from peer.capture.pattern_input import PatternInput
from peer.capture.source import Camera, Isolation, Kind, Microphone, Source, TestPattern
from peer.errors import DeviceBusy, DeviceDenied, DeviceNotFound, UsageError

Refusal = Literal["busy", "denied"]
POLL = 0.02  # seconds between two looks whether a stalled device is well again
FREEZE_LIMIT = 60.0  # seconds after which a frozen driver returns by itself, lest a failed test never ends


class Driver:
    """What stands in for a driver: the state of one fake device. All of it may be used from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.refusal: Refusal | None = None
        self.is_stalled = False
        self.is_gone = False
        self.moves = threading.Event()  # cleared while the driver does not return
        self.moves.set()
        path.touch()

    def open(self, source: Source) -> int:
        """Return a handle of the device, which nobody else has. Raises `DeviceError`."""
        if self.is_gone:
            raise DeviceNotFound(f"There is no {source.label}: plug() it in.")
        if self.refusal == "denied":
            raise DeviceDenied(f"The system does not let this program use {source.label}, as the test asked.")
        handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        if self.refusal == "busy" or not _lock(handle):
            os.close(handle)
            raise DeviceBusy(f"The {source.label} is in use by another program.")
        return handle

    @property
    def is_free(self) -> bool:
        """Whether another program could have the device."""
        handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _lock(handle)
        finally:
            os.close(handle)


class FakeInput(Input):
    """An open fake device: the test pattern, as long as the driver gives it."""

    def __init__(self, source: Source, driver: Driver, kind: Kind, pattern: TestPattern) -> None:
        self.kinds = (kind,)
        self._pattern = PatternInput(pattern)
        self.form: Opened = self._pattern.form
        self._driver = driver
        self._handle = driver.open(source)

    def read(self) -> list[Frame]:
        """Return what is due of this kind. Raises `OSError` once it is unplugged."""
        self._driver.moves.wait(FREEZE_LIMIT)
        if self._driver.is_gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        frames = self._pattern.read()
        if self._driver.is_stalled:
            return []
        is_picture = self.kinds == (Kind.VIDEO,)
        return [frame for frame in frames if hasattr(frame, "width") == is_picture]

    def delay(self) -> float:
        """Wait for the next beat."""
        return max(self._pattern.delay(), POLL if self._driver.is_stalled else 0.0)

    def close(self) -> None:
        """Let the device go, once the driver returns."""
        self._driver.moves.wait(FREEZE_LIMIT)
        os.close(self._handle)


class Faults:
    """What can be done to a fake device at any time; it is idempotent, and `plug` makes all well again."""

    driver: Driver

    @property
    def is_free(self) -> bool:
        """Whether nobody has the device open, as the system sees it."""
        return self.driver.is_free

    def stall(self) -> None:
        """Give nothing more, without an error, as a camera on a bad cable does."""
        self.driver.is_stalled = True

    def freeze(self) -> None:
        """Let the driver not return, whatever it is asked: its thread hangs until `plug`, and a release is `stuck`."""
        self.driver.moves.clear()

    def unplug(self) -> None:
        """Fail at once, and be found no more until `plug`."""
        self.driver.is_gone = True
        self.driver.moves.set()

    def refuse(self, how: Refusal) -> None:
        """Do not open from now on: "busy" (another program has it) or "denied". What is open stays open."""
        if how not in ("busy", "denied"):
            raise UsageError(f"a device refuses by being 'busy' or 'denied', not {how!r}")
        self.driver.refusal = how

    def plug(self) -> None:
        """Make all well again: what was unplugged is there, what was stalled or frozen goes on, what refused opens."""
        self.driver.refusal, self.driver.is_stalled, self.driver.is_gone = None, False, False
        self.driver.moves.set()


@dataclass(frozen=True)
class FakeCamera(Camera, Faults):
    """A camera that shows the moving test pattern (with its machine-readable time code). Get it from `make`."""

    _: KW_ONLY
    width: int = 320
    height: int = 180
    fps: float = 15
    isolation: Isolation | str | None = Isolation.THREAD
    driver: Driver = field(repr=False, compare=False)

    @classmethod
    def make(cls, folder: Path, name: str, *, width: int = 320, height: int = 180, fps: float = 15) -> Self:
        """Make a camera that is a file in this folder."""
        path = folder / f"fakevideo-{name}"
        return cls(device=str(path), width=width, height=height, fps=fps, driver=Driver(path))

    def open_input(self) -> Input:
        """Open it in the thread that calls. Raises `DeviceError`."""
        pattern = TestPattern(width=self.width, height=self.height, fps=self.fps, tone=0)
        return FakeInput(self, self.driver, Kind.VIDEO, pattern)


@dataclass(frozen=True)
class FakeMicrophone(Microphone, Faults):
    """A microphone that hears a tone of 440 Hz. Get it from `make`."""

    is_virtual = True  # there is no node whose handles the system would know as a microphone's

    _: KW_ONLY
    isolation: Isolation | str | None = Isolation.THREAD
    driver: Driver = field(repr=False, compare=False)

    @classmethod
    def make(cls, folder: Path, name: str) -> Self:
        """Make a microphone that is a file in this folder."""
        path = folder / f"fakevideo-sound-{name}"
        return cls(device=f"fake {name}", driver=Driver(path))

    def open_input(self) -> Input:
        """Open it in the thread that calls. Raises `DeviceError`."""
        return FakeInput(self, self.driver, Kind.AUDIO, TestPattern(width=16, height=16, fps=1))


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
