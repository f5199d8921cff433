"""Who is sent what a source delivers encoded, as it is, and who is served by an encoder. Pure.

    ENCODER ──fits──► WAITING ──key frame──► PASSAGE
       ▲                 │ ▲                    │ │
       └──fits no more───┘ └──lost its picture──┘ │
       └──────────────────────────fits no more────┘

- The key frames of a source come when they come: whoever needs a picture now gets it from the encoder, and goes over at
  the next key frame that comes.
- It fits who takes the codec, is to get the source's full size and is not slower than what is sent. While we are muted
  it fits nobody.
- With what is immediate, it is otherwise: each packet is a beginning, as of sound, or the source makes a key frame when
  it is asked to. Then nobody needs an encoder meanwhile, nor one for a lost picture.
- Who loses its picture soon after it went over perhaps cannot decode what passes, as the profile of H.264 may be more
  than it said to take: each time it waits twice as long before it is tried again.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from peer.media.sending import Sending

V = TypeVar("V", bound=Hashable)

SOON = 3.0  # seconds after going over in which a lost picture counts against it
FIRST_WAIT, LONGEST_WAIT = 5.0, 320.0  # seconds


class Way(Enum):
    """Where a viewer's packets come from."""

    ENCODER = auto()
    WAITING = auto()  # from the encoder up to the next key frame that passes
    PASSAGE = auto()


@dataclass(frozen=True, slots=True)
class GoOver(Generic[V]):
    """Let the passage take a viewer at its next key frame."""

    viewer: V


@dataclass(frozen=True, slots=True)
class GoBack(Generic[V]):
    """Let the passage send to a viewer no more, nor take it: the encoder serves it."""

    viewer: V


Effect = GoOver[V] | GoBack[V]


@dataclass(slots=True)
class Viewer:
    """What is known of one viewer. Times are in seconds."""

    way: Way = Way.ENCODER
    codec: str = ""
    is_full: bool = False
    took_at: float = 0.0
    wait: float = 0.0
    barred_until: float = 0.0


def may_pass(codec: str, sending: Sending) -> bool:
    """Return whether a source's own encoding is what was asked for: its codec or any, and no bitrate."""
    return sending.codec in ("auto", codec) and sending.bitrate is None


class Passing(Generic[V]):
    """Decides for all viewers of one source. Times are in seconds; who is not known (any more) is ignored."""

    def __init__(self) -> None:
        self.codec: str | None = None  # of what passes; None: nothing does
        self._is_immediate = False
        self._is_muted = False
        self._viewers: dict[V, Viewer] = {}

    @property
    def is_used(self) -> bool:
        """Whether anybody gets what passes, or waits for it."""
        return any(viewer.way is not Way.ENCODER for viewer in self._viewers.values())

    def offer(self, codec: str | None, now: float, *, is_immediate: bool = False) -> list[Effect[V]]:
        """The source delivers this from now on; `is_immediate`: decoding can begin at any time, see above."""
        self.codec = None
        back = self.advance(now)
        self.codec, self._is_immediate = codec, is_immediate
        return [*back, *self.advance(now)]

    def mute(self, now: float, *, is_muted: bool) -> list[Effect[V]]:
        """Nothing may pass while we are muted."""
        self._is_muted = is_muted
        return self.advance(now)

    def put(self, viewer_id: V, codec: str, now: float, *, is_full: bool) -> list[Effect[V]]:
        """A viewer gets this codec; `is_full`: at the source's size, and its link takes what the source delivers."""
        viewer = self._viewers.setdefault(viewer_id, Viewer())
        viewer.codec, viewer.is_full = codec, is_full
        return self._review(viewer_id, viewer, now)

    def rest(self, viewer_id: V) -> None:
        """Nothing is sent to a viewer until it is `put` again."""
        if viewer_id in self._viewers:
            viewer = self._viewers[viewer_id]
            viewer.way, viewer.is_full = Way.ENCODER, False

    def leave(self, viewer_id: V) -> None:
        """A viewer is gone."""
        self._viewers.pop(viewer_id, None)

    def took(self, viewer_id: V, now: float) -> bool:
        """The passage took a viewer; return whether it had to."""
        viewer = self._viewers.get(viewer_id)
        if viewer is None or viewer.way is not Way.WAITING:
            return False
        viewer.way, viewer.took_at = Way.PASSAGE, now
        return True

    def lost(self, viewer_id: V, now: float, round_trip: float) -> list[Effect[V]]:
        """A viewer has lost its picture. What it asked before it can have seen its first key frame here is answered."""
        viewer = self._viewers.get(viewer_id)
        if viewer is None or viewer.way is not Way.PASSAGE or now < viewer.took_at + round_trip or self._is_immediate:
            return []
        is_soon = now < viewer.took_at + SOON
        viewer.wait = min(max(2 * viewer.wait, FIRST_WAIT), LONGEST_WAIT) if is_soon else 0.0
        viewer.barred_until = now + viewer.wait
        viewer.way = Way.ENCODER
        return [GoBack(viewer_id), *self._review(viewer_id, viewer, now)]

    def interrupted(self, now: float) -> list[Effect[V]]:
        """What passes has a gap: the pictures up to the next key frame are of no use to anybody."""
        effects: list[Effect[V]] = []
        for viewer_id, viewer in self._viewers.items():
            if viewer.way is Way.PASSAGE:
                viewer.way = Way.ENCODER
                effects += [GoBack(viewer_id), *self._review(viewer_id, viewer, now)]
        return effects

    def advance(self, now: float) -> list[Effect[V]]:
        """Time has passed."""
        return [
            effect for viewer_id, viewer in self._viewers.items() for effect in self._review(viewer_id, viewer, now)
        ]

    def is_passed(self, viewer_id: V) -> bool:
        """Return whether a viewer needs no encoder: it gets what passes, or will with the next packet."""
        viewer = self._viewers.get(viewer_id)
        if viewer is None or viewer.way is Way.ENCODER:
            return False
        return viewer.way is Way.PASSAGE or self._is_immediate

    def _review(self, viewer_id: V, viewer: Viewer, now: float) -> list[Effect[V]]:
        fits = self._fits(viewer, now)
        if fits and viewer.way is Way.ENCODER:
            viewer.way = Way.WAITING
            return [GoOver(viewer_id)]
        if not fits and viewer.way is not Way.ENCODER:
            viewer.way = Way.ENCODER
            return [GoBack(viewer_id)]
        return []

    def _fits(self, viewer: Viewer, now: float) -> bool:
        return (
            self.codec is not None
            and not self._is_muted
            and viewer.codec == self.codec
            and viewer.is_full
            and now >= viewer.barred_until
        )
