"""Those who see us: every viewer gets the tier that its link takes, and each tier is encoded once for each codec."""

import asyncio
from collections.abc import Sequence

from av import VideoFrame

from peer.capture.coded import Coding
from peer.media.audience import Audience
from peer.media.codecs import Codec, choose
from peer.media.encoders import codecs_of
from peer.media.limitation import Limitation, LimitedBy
from peer.media.outlet import Outlet
from peer.media.sending import Sending, best_bitrate
from peer.media.tiers import Effect, Move, Rates, SetBitrate, Tier
from peer.media.video_encoding import VideoEncoding


class Watchers(Audience[VideoEncoding]):
    """The viewers of our picture. `Rates` decides, this carries out."""

    def __init__(self) -> None:
        super().__init__()
        self._size = (0, 0)
        self._newest: VideoFrame | None = None  # what an encoding begins with: the next picture may be long in coming
        self._rates: Rates[Outlet] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def push(self, frame: VideoFrame) -> None:
        """Send a picture to everybody; from any thread."""
        self._newest = frame
        super().push(frame)

    def begin(self, sending: Sending) -> None:
        """Encode the next source like this."""
        self.rest()
        super().begin(sending)

    def plug(self, outlet: Outlet) -> bool:
        """Send to a viewer from now on; false if it takes none of our codecs."""
        if self._rates is not None:
            self._rates.join(outlet, self._now())
        is_plugged = super().plug(outlet)
        if self._rates is not None:
            if not is_plugged:
                self._rates.leave(outlet)
            self._arm()
        return is_plugged

    def unplug(self, outlet: Outlet) -> None:
        """Send to a viewer no more."""
        super().unplug(outlet)
        if self._rates is not None:
            self._rates.leave(outlet)
            self._arm()

    def rest(self) -> None:
        """End every encoding until a picture is pushed again."""
        super().rest()
        self._size, self._rates, self._newest = (0, 0), None, None
        if self._timer is not None:
            self._timer.cancel()

    def ask_for_key_frame(self, outlet: Outlet) -> None:
        """Have a key frame sent soon; a source that is passed has none before it comes, so that the encoder helps."""
        self._crossing.lost(outlet)
        encoding = self.encoder_of(outlet)
        if encoding is not None:
            encoding.ask_for_key_frame(outlet.round_trip)

    def estimated(self, outlet: Outlet, bitrate: int) -> None:
        """Let a viewer's estimate decide its tier."""
        if self._rates is not None:
            self._rates.remb(outlet, bitrate, self._now())

    def reported(self, outlet: Outlet, lost: float, round_trip: float | None) -> None:
        """Let a viewer's loss decide its tier."""
        super().reported(outlet, lost, round_trip)
        if self._rates is not None:
            self._repeat(outlet, lost)
            known = {} if round_trip is None else {"round_trip": round_trip}
            self._rates.report(outlet, lost, self._now(), **known)

    def _repeat(self, outlet: Outlet, lost: float) -> None:
        """Send everything twice, if that helps."""
        limitation = self.limitation(outlet)
        is_limited = limitation is not None and limitation.reason is LimitedBy.BANDWIDTH
        outlet.repeating.report(lost, self._now(), is_limited=is_limited)

    def limitation(self, outlet: Outlet) -> Limitation | None:
        """Return what limits the quality that a viewer gets; None while there is no picture."""
        return None if self._rates is None else self._rates.limitation(outlet, self._now())

    def _is_ready_for(self, frame: VideoFrame) -> bool:
        return (frame.width, frame.height) == self._size

    def offer(self, coding: Coding | None) -> None:
        """Let this pass as it is from now on, to those whom it fits; None: nothing does."""
        super().offer(coding)
        if coding is not None and self._crossing.coding is coding:
            self._begin_at((coding.width & ~1, coding.height & ~1), coding.bitrate or 0)  # as frames of it will be
            super()._begin(None)

    def forget(self) -> None:
        """Pictures are not pushed for a while."""
        self._newest = None

    def _begin(self, frame: VideoFrame) -> None:
        """Begin anew with pictures of this size: everybody in the full tier."""
        self._begin_at((frame.width, frame.height), 0)
        self._newest = frame
        super()._begin(frame)

    def _begin_at(self, size: tuple[int, int], bitrate: int) -> None:
        self._turn += 1
        for outlet in self.outlets:
            self._leave_encoder(outlet)
        best = self.sending.bitrate or max(best_bitrate(*size, self.sending.fps), bitrate)
        self._size, self._rates = size, Rates(best, width=size[0])
        for outlet in self.outlets:
            self._fed[outlet] = (self._fed[outlet][0], Tier.FULL)
            self._rates.join(outlet, self._now())
        self._arm()

    def _apply(self, effects: list[Effect[Outlet]]) -> None:
        for effect in effects:
            self._carry_out(effect)
        self._arm()

    def _carry_out(self, effect: Effect[Outlet]) -> None:
        match effect:
            case Move(outlet, tier):
                self._starve(outlet)
                self._fed[outlet] = (outlet.codec.name, tier)
                self._serve(outlet)
            case SetBitrate(tier, bitrate):
                for (_, other), encoding in self._encodings.items():
                    if other is tier:
                        encoding.bitrate = bitrate

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = None if self._rates is None else self._rates.next_deadline()
        self._timer = None if due is None else asyncio.get_running_loop().call_at(due, self._advance)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _advance(self) -> None:
        if self._rates is None:
            return
        now = self._now()
        measured = [(tier, encoding.measure(now)) for (_, tier), encoding in self._encodings.items()]
        if self._crossing.passage is not None:
            measured.append((Tier.FULL, self._crossing.passage.measure(now)))
        for tier in {tier for tier, _ in measured}:
            self._rates.measured(tier, max(bitrate for other, bitrate in measured if other is tier))
        full = [encoding.is_overloaded for (_, tier), encoding in self._encodings.items() if tier is Tier.FULL]
        self._rates.overloaded(now, any(full))
        self._apply(self._rates.advance(now))
        for outlet in self.outlets:
            self._crossing.put(outlet, is_full=self._is_full(outlet))

    def _is_full(self, outlet: Outlet) -> bool:
        """Whether a viewer gets the full size, and its link does not slow the full tier down."""
        limitation = self.limitation(outlet)
        return super()._is_full(outlet) and (limitation is None or limitation.reason is not LimitedBy.BANDWIDTH)

    def _choose(self, codecs: Sequence[Codec]) -> Codec | None:
        passing = self._crossing.coding
        wanted = self.sending.codec if passing is None else passing.codec
        return choose(codecs, wanted, {codec for codec, _ in self._encodings})

    def _open(self, codec: str, tier: Tier) -> VideoEncoding:
        assert self._rates is not None
        sending = self.sending
        encoder = sending.encoder if codec in codecs_of(sending.encoder) else "software"
        return VideoEncoding(codec, tier, fps=sending.fps, bitrate=self._rates.bitrate(tier), encoder=encoder)

    def _start(self, encoding: VideoEncoding) -> None:
        if self._newest is not None and encoding.outlets:
            encoding.put(self._newest)
        super()._start(encoding)
