"""Packets of one stream, put in order; what is missing is asked for again while that can help. Pure.

A picture waits for what is missing until it comes, until a whole key frame lies behind the gap (then nothing before it
is needed any more), or until `patience` is over. Sound waits for reordering only: it is of no use late.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from peer.media.inbound.depacketizing import Format
from peer.media.inbound.packet import RtpPart

MOST = 1024  # packets between the oldest that is missing and the newest
MOST_ASKED = 128  # packets that are asked for in one message
TRIES = 12  # times that a packet is asked for
LEAST_PAUSE = 0.02  # seconds between two times
EXPECTED_ROUND_TRIP = 0.1  # seconds, before one is measured
SMOOTHING = 0.25  # of each new measurement
LONGER = 1.5  # times the round trip that a packet took that was asked for more than once
ASTRAY = 8  # packets in a row that are far behind: the sender counts from elsewhere now (RFC 3550, appendix A.1)


@dataclass(slots=True)
class Missing:
    """One packet that has not come."""

    since: float
    ask_at: float
    asked_at: float = 0.0  # for the first time
    times: int = 0


@dataclass(slots=True)
class Gap:
    """So many packets are lost for good."""

    packets: int


@dataclass(slots=True)
class Ordering:
    """One stream. `patience`: seconds that it waits for a packet; `asks`: whether for that to be repeated."""

    form: Format
    patience: float
    asks: bool
    round_trip: float = EXPECTED_ROUND_TRIP  # seconds from asking to having
    overtaking: float = 0.01  # seconds: what is later than that is asked for
    _parts: dict[int, RtpPart] = field(default_factory=dict)
    _missing: dict[int, Missing] = field(default_factory=dict)
    _next: int | None = None  # what comes next in order
    _newest: int = 0
    _behind: int = 0  # packets in a row that came far too late

    @property
    def is_astray(self) -> bool:
        """Whether everything that comes is far behind."""
        return self._behind >= ASTRAY

    @property
    def stuck_since(self) -> float | None:
        """Since when what is there waits for what is not, seconds."""
        if not self._parts or self._next is None:
            return None
        missing = self._missing.get(self._next)
        return None if missing is None else missing.since

    def add(self, part: RtpPart, now: float) -> bool:
        """Take in a packet; false if it is of no use: it is here already, or was given up."""
        if self._next is None:
            self._next, self._newest = part.number, part.number - 1
        self._behind = self._behind + 1 if part.number < self._next - MOST else 0
        if part.number < self._next or part.number in self._parts:
            return False
        self._note(part.number, now)
        self._parts[part.number] = part
        return True

    def take(self, now: float) -> Iterator[RtpPart | Gap]:
        """Yield what is in order now."""
        while self._parts and self._next is not None:
            if (part := self._parts.pop(self._next, None)) is not None:
                self._next += 1
                yield part
            elif self._is_given_up(self._next, now):
                yield self._skip_to(min(self._parts))
            else:
                return

    def skip_to_key(self, part: RtpPart) -> Gap | None:
        """Give up what is missing if a packet completes a key frame behind it."""
        if self.stuck_since is None:
            return None
        first = last = part.number
        while self._has(first - 1, part.timestamp):
            first -= 1
        while self._has(last + 1, part.timestamp):
            last += 1
        if not self._parts[last].is_last or not self._is_key(self._parts[first]):
            return None
        return self._skip_to(first)

    def ask(self, now: float) -> list[int]:
        """Return the numbers of what is to be asked for now."""
        due = [number for number, one in self._missing.items() if one.times < TRIES and one.ask_at <= now]
        for number in due[:MOST_ASKED]:
            one = self._missing[number]
            one.times, one.asked_at = one.times + 1, one.asked_at if one.times else now
            one.ask_at = now + max(self.round_trip, LEAST_PAUSE)
        return due[:MOST_ASKED]

    def next_deadline(self) -> float | None:
        """Return when something is to be asked for or given up."""
        asks = [one.ask_at for one in self._missing.values() if one.times < TRIES] if self.asks else []
        stuck = self.stuck_since
        return min([*asks, *([] if stuck is None else [stuck + self.patience])], default=None)

    def _note(self, number: int, now: float) -> None:
        """Note what a packet says of those before it."""
        if number > self._newest:
            first = max(self._newest + 1, number - MOST)
            for skipped in range(first, number):
                self._missing[skipped] = Missing(now, now + self.overtaking)
            self._newest = number
        elif (missing := self._missing.pop(number, None)) is not None and missing.times:
            took = now - missing.asked_at
            took = took if missing.times == 1 else min(took, LONGER * self.round_trip)
            self.round_trip += SMOOTHING * (took - self.round_trip)

    def _is_given_up(self, number: int, now: float) -> bool:
        missing = self._missing.get(number)
        return missing is None or missing.since + self.patience <= now or self._newest - number >= MOST

    def _skip_to(self, number: int) -> Gap:
        assert self._next is not None
        lost = sum(self._missing.pop(skipped, None) is not None for skipped in range(self._next, number))
        for skipped in [known for known in self._parts if known < number]:
            del self._parts[skipped]
        gap, self._next = Gap(max(lost, 1)), number
        return gap

    def _has(self, number: int, timestamp: int) -> bool:
        part = self._parts.get(number)
        return part is not None and part.timestamp == timestamp

    def _is_key(self, part: RtpPart) -> bool:
        try:
            return bool(part.payload) and self.form.begins_key(part.payload)
        except ValueError:
            return False
