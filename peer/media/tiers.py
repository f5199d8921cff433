"""Rate control: which tier each viewer gets, and at which bitrate each tier's encoder runs. Pure.

    FULL ◄──good for a while: a try──┐           one encoder for all viewers in it
     └──below FULL's floor, or lossy──► HALF ──below HALF's floor, or lossy──► AUDIO: no picture

- One bad link never lowers the others: who cannot take the floor of its tier leaves it, by its own reports alone.
- Who can take the floor is followed: the encoder runs at 90 % of what the slowest such viewer estimates, down at once
  and up smoothly. Who has just come into a tier is followed once its estimate is settled, or is no hindrance.
- A receiver cannot estimate much more than it gets (half as much again), so viewers of a low tier, and all viewers of a
  still picture, have low estimates that say nothing against their links. If an estimate is clearly above what is sent,
  it takes nobody down, lowers no bitrate, and allows a try of the next tier. What the others are sent can thus bring a
  try of this viewer forward, which may fail; nothing else of this viewer's tier depends on them.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

from peer.media.estimates import LOW_LOSS, Estimate
from peer.media.limitation import Limitation, LimitedBy, Limits
from peer.media.standing import LOSS_BOUND, Standing, Step
from peer.media.target import Target

V = TypeVar("V", bound=Hashable)

HALF_SHARE = 0.3  # of FULL's best bitrate, for a quarter of its pixels
LEAST_WIDTH = 160  # pixels; a smaller picture is no tier
AUDIO_BITRATE = 40_000  # bits per second on the wire that sound takes of every estimate
USED = 0.9  # share of an estimate that is used
CLEAR = 1.25  # times what the next tier needs: an estimate that allows a try
UNTESTED = 1.2  # times what is sent: an estimate that is not tested by it
TURN = 0.5  # seconds between two looks
LONGEST_TURN = 1.0  # seconds that one look may stand for


class Tier(IntEnum):
    """What a viewer gets: the higher the better."""

    AUDIO = 0  # no picture
    HALF = 1  # half the width and height
    FULL = 2  # the source's size


@dataclass(frozen=True, slots=True)
class Move(Generic[V]):
    """Let a viewer have this tier from its next key frame on. `reason` is what limits the viewer then."""

    viewer: V
    tier: Tier
    reason: LimitedBy


@dataclass(frozen=True, slots=True)
class SetBitrate:
    """Let a tier's encoder make so many bits per second, if it runs; else when it starts."""

    tier: Tier
    bitrate: int


Effect = Move[V] | SetBitrate


class Viewer:
    """What is known of one viewer, and the tier it has."""

    def __init__(self, now: float) -> None:
        self.tier = Tier.FULL
        self.estimate = Estimate()
        self.standing = Standing(now)
        self.limits = Limits(now)


class Rates(Generic[V]):
    """The rate control of one source's picture for all its viewers.

    `best` is FULL's bitrate if nothing limits it, `width` the picture's in pixels: where half of it is too small, there
    is no HALF. `audio` is the bitrate of the sound that goes with the picture. Bitrates are in bits per second, times
    in seconds. Reports of viewers that are not here (any more) are ignored.
    """

    def __init__(self, best: int, *, width: int, audio: int = AUDIO_BITRATE) -> None:
        self._targets = {Tier.FULL: Target(best)}
        if width // 2 >= LEAST_WIDTH:
            self._targets[Tier.HALF] = Target(round(HALF_SHARE * best))
        self._ladder = [Tier.AUDIO, *sorted(self._targets)]
        self._audio = audio
        self._viewers: dict[V, Viewer] = {}
        self._begun: list[SetBitrate] = []  # not said yet
        self._turned_at = -math.inf
        self._is_overloaded = False

    def join(self, viewer_id: V, now: float) -> None:
        """Somebody begins to watch, in FULL. Whoever is here already begins anew."""
        self.leave(viewer_id)
        if not self._viewers:
            self._turned_at = now
        viewer = Viewer(now)
        self._begun += self._begin(viewer, Tier.FULL, now)
        self._viewers[viewer_id] = viewer
        self._note(now)

    def leave(self, viewer_id: V) -> None:
        """Somebody does not watch any more."""
        self._viewers.pop(viewer_id, None)

    def remb(self, viewer_id: V, bitrate: float, now: float) -> None:
        """A viewer's receiver estimates that it could receive so much in all."""
        if viewer := self._viewers.get(viewer_id):
            viewer.estimate.remb(bitrate, now)

    def report(self, viewer_id: V, lost: float, now: float, *, round_trip: float = 0.1) -> None:
        """A viewer's receiver lost this share (0 to 1) of the packets since its last report."""
        if viewer := self._viewers.get(viewer_id):
            most = min(self._settled_estimate(viewer, now), (self._best(viewer.tier) + self._audio) / USED)
            viewer.estimate.report(lost, now, round_trip=round_trip, most=most)

    def measured(self, tier: Tier, bitrate: float) -> None:
        """A tier's encoder has really made so much in the last second or so: less than its target if that was easy."""
        self._targets[tier].measured = bitrate

    def overloaded(self, now: float, is_so: bool) -> None:
        """Whether FULL's encoder cannot keep up. That changes no tier and no bitrate: it is only said."""
        self._is_overloaded = is_so
        self._note(now)

    def next_deadline(self) -> float | None:
        """Return when to call `advance`."""
        if self._begun:
            return self._turned_at
        return self._turned_at + TURN if self._viewers else None

    def advance(self, now: float) -> list[Effect[V]]:
        """Look at all viewers; return what is to change. It may be called at any time, as after a report."""
        elapsed = min(now - self._turned_at, LONGEST_TURN)
        self._turned_at = now
        effects: list[Effect[V]] = [*self._begun]
        self._begun.clear()
        for viewer_id, viewer in self._viewers.items():
            effects += self._step(viewer_id, viewer, now)
        for tier, target in self._targets.items():
            if self._in(tier) and target.follow(self._slowest(tier, now), elapsed):
                effects.append(SetBitrate(tier, target.told))
        self._note(now)
        return effects

    def tier(self, viewer_id: V) -> Tier:
        """Return the tier that a viewer has."""
        return self._viewers[viewer_id].tier

    def bitrate(self, tier: Tier) -> int:
        """Return what a tier's encoder is to make: what `SetBitrate` said last."""
        return self._targets[tier].told

    def limitation(self, viewer_id: V, now: float) -> Limitation:
        """Return what limits a viewer's quality, and what did for how long since it joined."""
        return self._viewers[viewer_id].limits.limitation(now)

    def _step(self, viewer_id: V, viewer: Viewer, now: float) -> list[Effect[V]]:
        is_lossy = viewer.estimate.loss(now) > LOSS_BOUND
        step = viewer.standing.step(
            now,
            is_below=self._is_below(viewer, now),
            is_lossy=is_lossy and viewer.tier > Tier.AUDIO,
            is_good=viewer.tier < Tier.FULL and self._is_good(viewer, now),
        )
        if step is Step.STAY:
            return []
        tier = self._ladder[self._ladder.index(viewer.tier) + step]
        effects = self._begin(viewer, tier, now)
        self._move(viewer, tier, step, now)
        return [*effects, Move(viewer_id, tier, self._limited_by(viewer, now))]

    def _move(self, viewer: Viewer, tier: Tier, step: Step, now: float) -> None:
        if Tier.AUDIO not in (viewer.tier, tier):
            viewer.limits.resolution_changed()
        viewer.tier = tier
        viewer.estimate.forget_loss()
        viewer.standing.moved(step, now)

    def _begin(self, viewer: Viewer, tier: Tier, now: float) -> list[SetBitrate]:
        """Let a tier that nobody has begin with what its first viewer can take."""
        target = self._targets.get(tier)
        usable = USED * self._settled_estimate(viewer, now) - self._audio
        if target is None or self._in(tier) or not target.begin(usable):
            return []
        return [SetBitrate(tier, target.told)]

    def _is_below(self, viewer: Viewer, now: float) -> bool:
        """Whether its estimate says that the link cannot carry its tier."""
        return viewer.estimate.bitrate(now) < self._needed(viewer.tier) and not self._is_untested(viewer, now)

    def _is_good(self, viewer: Viewer, now: float) -> bool:
        """Whether the link may carry the next tier."""
        needed = self._needed(self._ladder[self._ladder.index(viewer.tier) + 1])
        is_clear = viewer.estimate.bitrate(now) >= CLEAR * needed
        return viewer.estimate.loss(now) <= LOW_LOSS and (is_clear or self._is_untested(viewer, now))

    def _is_untested(self, viewer: Viewer, now: float) -> bool:
        """Whether its estimate may be so low only because so little is sent."""
        target = self._targets.get(viewer.tier)
        return viewer.estimate.bitrate(now) >= UNTESTED * (self._audio + (target.sent if target else 0))

    def _slowest(self, tier: Tier, now: float) -> float:
        """Return what the slowest viewer that is to be followed can take. Whoever is to leave the tier is not."""
        target, viewers = self._targets[tier], self._in(tier)
        settled = [viewer for viewer in viewers if viewer.standing.is_settled(now)]
        taken = [self._taken(viewer, target, now) for viewer in settled if self._is_healthy(viewer, now)]
        newcomers = [self._usable(viewer, now) for viewer in viewers if not viewer.standing.is_settled(now)]
        taken += [usable for usable in newcomers if usable >= target.value]
        if taken:
            return min(taken)
        return target.value if newcomers else target.floor

    def _is_healthy(self, viewer: Viewer, now: float) -> bool:
        return viewer.estimate.loss(now) <= LOSS_BOUND and not self._is_below(viewer, now)

    def _taken(self, viewer: Viewer, target: Target, now: float) -> float:
        usable = self._usable(viewer, now)
        return max(usable, target.value) if self._is_untested(viewer, now) else usable

    def _settled_estimate(self, viewer: Viewer, now: float) -> float:
        """Return what the link can carry; as long as the receiver's estimate has not settled, without that."""
        is_settled = viewer.standing.is_settled(now)
        return viewer.estimate.bitrate(now) if is_settled else viewer.estimate.by_loss

    def _usable(self, viewer: Viewer, now: float) -> float:
        return USED * viewer.estimate.bitrate(now) - self._audio

    def _needed(self, tier: Tier) -> float:
        return self._targets[tier].floor + self._audio if tier in self._targets else 0.0

    def _best(self, tier: Tier) -> int:
        return self._targets[tier].best if tier in self._targets else 0

    def _in(self, tier: Tier) -> list[Viewer]:
        return [viewer for viewer in self._viewers.values() if viewer.tier is tier]

    def _note(self, now: float) -> None:
        for viewer in self._viewers.values():
            viewer.limits.note(self._limited_by(viewer, now), now)

    def _limited_by(self, viewer: Viewer, now: float) -> LimitedBy:
        """Return the first that applies, in the order that W3C gives where several do."""
        full = self._targets[Tier.FULL]
        if viewer.tier < Tier.FULL or (full.is_lowered and full.clamp(self._usable(viewer, now)) <= full.slowest):
            return LimitedBy.BANDWIDTH
        if self._is_overloaded:
            return LimitedBy.CPU
        return LimitedBy.OTHER if full.is_lowered else LimitedBy.NONE
