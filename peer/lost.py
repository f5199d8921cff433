"""Whether what we publish is there, and what is to be done when it is not. Pure: `supply.py` carries it out.

    LIVE ──failed, or silent for too long──► LOST ──due──► OPENING ──gives frames──► LIVE
      │                                       ▲               │
      └──over (a file)──► OVER                └─does not open─┘

A device that is lost is opened again for as long as it takes, at growing intervals. One that is lost again as soon as
it is back does not begin anew with the short ones: it would be opened, and said to be back, several times a second.
"""

import math
from enum import Enum

from msgspec import Struct

from peer.events import DeviceBack, DeviceLost, SourceEnded

FIRST_DELAY = 0.25  # seconds from losing a device to the first look for it; doubles
LONGEST_DELAY = 5.0  # seconds between two looks
SETTLED = 5.0  # seconds after which a device that is back counts as well
FIRST_FRAME_LIMIT = 5.0  # seconds from having opened a device to its first frame
PERIODS = 3  # pictures that may be missing, however slow their rate


class State(Enum):
    """What is happening to one published source."""

    LIVE = "live"
    LOST = "lost"
    OPENING = "opening"  # until it gives frames
    OVER = "over"


class Lose(Struct, frozen=True):
    """Let the device go, send black and silence in its place, and tell."""

    event: DeviceLost


class Open(Struct, frozen=True):
    """Look for the device and open it; say `opened` or `failed`."""


class LetGo(Struct, frozen=True):
    """Let the device go, which opened and gives nothing."""


class Return(Struct, frozen=True):
    """Send what the device gives again, and tell."""

    event: DeviceBack


class Finish(Struct, frozen=True):
    """Let the source go for good, and tell."""

    event: SourceEnded


Effect = Lose | Open | LetGo | Return | Finish


def stall_limit(stall_after: float, fps: float | None) -> float:
    """Return how long a device may give nothing, in seconds: at least three of its pictures; 0 and inf: for ever."""
    if not stall_after > 0:
        return math.inf
    return max(stall_after, PERIODS / fps) if fps else stall_after


class Presence:
    """Whether one published source is there. `returns`: it is a device, which may come back; times are in seconds."""

    def __init__(self, label: str, *, returns: bool, limit: float, now: float) -> None:
        self.state = State.LIVE
        self._label = label
        self._returns = returns
        self._limit = limit
        self._heard = now  # when the last frame came
        self._live_since = now
        self._lost_at = now
        self._due = math.inf  # of what comes next when it is not live
        self._delay = FIRST_DELAY

    def next_deadline(self) -> float | None:
        """Return when to call `advance`."""
        due = self._heard + self._limit if self.state is State.LIVE else self._due
        return due if due < math.inf else None

    def frame(self, now: float) -> list[Effect]:
        """A frame came."""
        self._heard = now
        if self.state is not State.OPENING:
            return []
        self.state, self._live_since = State.LIVE, now
        return [Return(DeviceBack(device=self._label, lost_for=now - self._lost_at))]

    def ended(self, text: str | None, now: float) -> list[Effect]:
        """It has ended by itself: it failed, as `text` says, or is over."""
        if self.state is State.OPENING:
            return self._give_up(now)
        if self.state is not State.LIVE:
            return []
        if self._returns:
            return self._lose(text or f"The {self._label} gives nothing more.", now)
        self.state = State.OVER
        return [Finish(SourceEnded(device=self._label, text=text))]

    def opened(self, limit: float, now: float) -> None:
        """It is open again, and may give nothing for `limit`. It is back when its first frame comes."""
        assert self.state is State.OPENING, self.state
        self._limit = limit
        self._due = now + min(limit, FIRST_FRAME_LIMIT)

    def failed(self, now: float) -> None:
        """It cannot be opened: try again later."""
        assert self.state is State.OPENING, self.state
        self._wait(now)

    def advance(self, now: float) -> list[Effect]:
        """Do what is due."""
        due = self.next_deadline()
        if due is None or now < due:
            return []
        if self.state is State.LIVE:
            return self._lose(f"The {self._label} has given nothing for {self._limit:g} s.", now)
        if self.state is State.OPENING:
            return self._give_up(now)
        self.state, self._due = State.OPENING, math.inf
        return [Open()]

    def _lose(self, text: str, now: float) -> list[Effect]:
        if now - self._live_since >= SETTLED:
            self._delay = FIRST_DELAY
        self._lost_at = now
        self._wait(now)
        return [Lose(DeviceLost(device=self._label, text=text))]

    def _give_up(self, now: float) -> list[Effect]:
        self._wait(now)
        return [LetGo()]

    def _wait(self, now: float) -> None:
        self.state, self._due = State.LOST, now + self._delay
        self._delay = min(2 * self._delay, LONGEST_DELAY)
