"""One incoming stream: packets and time come in; whole frames, and what to ask the sender for, go out. A core."""

import math
from dataclasses import dataclass, field

from peer.media.encoded import EncodedFrame
from peer.media.inbound.assembling import Assembling, Whole
from peer.media.inbound.counts import InboundCounts
from peer.media.inbound.depacketizing import FORMATS
from peer.media.inbound.flow import Flow, Freeze
from peer.media.inbound.ordering import Gap, Ordering
from peer.media.inbound.packet import RtpPart, Unwrapper
from peer.media.inbound.sender_clock import SenderClock, Timeline

PICTURE_PATIENCE = 2.0  # seconds that a picture waits for a packet; a key frame that comes before ends it
SOUND_PATIENCE = (0.02, 0.12)  # seconds that sound waits for what was overtaken: least, most
OVERTAKING = (0.01, 0.06)  # seconds after which a packet of a picture is taken for lost: least, most
JITTER_WEIGHT = 16  # differences that jitter is averaged over (RFC 3550, section 6.4.1)
SOUND_JITTERS, PICTURE_JITTERS = 4.0, 2.0  # times the jitter that they wait
STUCK = 0.25  # seconds after which a picture that waits is asked for anew, besides
KEY_PAUSE = 0.4  # seconds between two requests for a key frame
SILENCE = 5.0  # seconds without a packet after which nobody is asked any more
NUMBER_BITS, TIMESTAMP_BITS = 16, 32


@dataclass(slots=True)
class Step:
    """What came of a packet or of the passing of time."""

    frames: list[EncodedFrame] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)  # sequence numbers to ask for, as they are on the wire
    wants_key: bool = False
    freezes: list[Freeze] = field(default_factory=list)


@dataclass(slots=True)
class Ledger:
    """What is known of one kind of one user's media, over all streams that it comes in."""

    counts: InboundCounts = field(default_factory=InboundCounts)
    flow: Flow = field(default_factory=Flow)


class Reception:
    """One SSRC of one codec. Its `ledger` is shared with what came before it and comes after it."""

    def __init__(self, kind: str, codec: str, clock_rate: int, ledger: Ledger, clock: SenderClock) -> None:
        form = FORMATS[codec]
        self.kind, self.codec, self.clock_rate = kind, codec, clock_rate
        self.counts, self._flow = ledger.counts, ledger.flow
        is_video = kind == "video"
        self._ordering = Ordering(form, PICTURE_PATIENCE if is_video else SOUND_PATIENCE[0], asks=is_video)
        self._assembling = Assembling(form, needs_key=is_video)
        self._timeline = Timeline(clock_rate, clock)
        self._numbers, self._timestamps = Unwrapper(NUMBER_BITS), Unwrapper(TIMESTAMP_BITS)
        self._transit: float | None = None
        self._measured = 0  # the newest timestamp
        self._dropped = 0  # frames of the assembling that are counted already
        self._asked_key_at = -math.inf
        self._heard_at = 0.0

    def packet(self, number: int, timestamp: int, is_last: bool, payload: bytes, now: float) -> Step:
        """Take in a packet, as it is on the wire."""
        is_last = is_last or self.kind == "audio"  # its marker begins a spurt of talk (RFC 3551): each packet is whole
        part = RtpPart(self._numbers.unwrap(number), self._timestamps.unwrap(timestamp), is_last, payload, now)
        self._heard_at = now
        self.counts.packets_received += 1
        self.counts.bytes_received += len(payload)
        self._measure(part)
        step = Step()
        if not self._ordering.add(part, now):
            self.counts.packets_discarded += 1
            return step
        if self.kind == "video" and (gap := self._ordering.skip_to_key(part)) is not None:
            self._lost(gap)
        self._look(step, now)
        return step

    @property
    def is_astray(self) -> bool:
        """Whether the sender counts from elsewhere now, so that this is to be replaced by another."""
        return self._ordering.is_astray

    def reported(self, wall: float, timestamp: int, now: float) -> None:
        """The sender's report says that `timestamp`, as it is on the wire, was at `wall`, seconds, by its clock."""
        self._timeline.reported(self._timestamps.near(timestamp), wall, now)

    def key_wanted(self, now: float) -> bool:
        """A key frame is needed: return whether to ask for one now. If so, that counts as asked."""
        if now < self._asked_key_at + KEY_PAUSE:
            return False
        self._asked_key_at = now
        self.counts.pli_count += 1
        return True

    def next_deadline(self) -> float | None:
        """Return when to call `advance`."""
        due = [self._ordering.next_deadline(), self._flow.next_deadline(), self._asks_key_at()]
        return min((one for one in due if one is not None), default=None)

    def advance(self, now: float) -> Step:
        """Do what is due."""
        step = Step()
        self._look(step, now)
        if (frozen := self._flow.advance(now)) is not None:
            step.freezes.append(frozen)
            self._count_freezes()
        return step

    def _look(self, step: Step, now: float) -> None:
        """Hand on what is in order, and ask for what is not."""
        for one in self._ordering.take(now):
            if isinstance(one, Gap):
                self._lost(one)
                continue
            for whole in self._assembling.push(one):
                self._hand_on(whole, step, now)
        self._count_dropped()
        if self._ordering.asks:
            step.missing = [number % (1 << NUMBER_BITS) for number in self._ordering.ask(now)]
            self.counts.nack_count += bool(step.missing)
        due = self._asks_key_at()
        if due is not None and due <= now:
            step.wants_key = self.key_wanted(now)

    def _hand_on(self, whole: Whole, step: Step, now: float) -> None:
        time, is_mapped = self._timeline.captured(whole.timestamp, whole.arrived_at)
        step.frames.append(
            EncodedFrame(
                kind=self.kind,
                codec=self.codec,
                payload=whole.payload,
                is_key=whole.is_key,
                timestamp=whole.timestamp,
                clock_rate=self.clock_rate,
                time=time,
                is_mapped=is_mapped,
                follows_gap=whole.follows_gap,
            )
        )
        self.counts.frames_received += 1
        self.counts.key_frames += whole.is_key and self.kind == "video"
        self.counts.last_frame_at = now
        news = self._flow.frame(now) if self.kind == "video" else self._flow.begin()
        if news is not None:
            step.freezes.append(news)
        self._count_freezes()

    def _lost(self, gap: Gap) -> None:
        self.counts.packets_lost += gap.packets
        self._assembling.lost()
        if self.kind == "audio":
            self._assembling.needs_key = False

    def _asks_key_at(self) -> float | None:
        """Return from when on a key frame is needed: packets were given up, or are waited for too long."""
        stuck = self._ordering.stuck_since
        soonest = self._asked_key_at + KEY_PAUSE
        if self.kind != "video" or soonest > self._heard_at + SILENCE:
            return None
        if self._assembling.needs_key and (self._assembling.follows_gap or self._assembling.dropped):
            return max(soonest, self._heard_at)
        return None if stuck is None else max(soonest, stuck + STUCK)

    def _measure(self, part: RtpPart) -> None:
        """The jitter of arrivals (RFC 3550, section 6.4.1), and how long sound waits for what was overtaken."""
        if part.timestamp <= self._measured:
            return  # more of the same picture, or what was overtaken or repeated
        self._measured = part.timestamp
        transit = part.arrived_at - part.timestamp / self.clock_rate
        if self._transit is not None:
            self.counts.jitter += (abs(transit - self._transit) - self.counts.jitter) / JITTER_WEIGHT
        self._transit = transit
        if self.kind == "audio":
            self._ordering.patience = _within(SOUND_PATIENCE, SOUND_JITTERS * self.counts.jitter)
        self._ordering.overtaking = _within(OVERTAKING, PICTURE_JITTERS * self.counts.jitter)

    def _count_dropped(self) -> None:
        self.counts.frames_dropped += self._assembling.dropped - self._dropped
        self._dropped = self._assembling.dropped

    def _count_freezes(self) -> None:
        self.counts.freeze_count = self._flow.freezes
        self.counts.total_freezes_duration = self._flow.frozen_for


def _within(limits: tuple[float, float], value: float) -> float:
    least, most = limits
    return min(max(value, least), most)
