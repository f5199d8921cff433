"""Who watches: every viewer of one kind of our media, the encodings that they get, and how each of them fares.

One encoding for each codec and tier that somebody needs; it begins with its first viewer and ends with its last.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from peer.capture.coded import Coded, Coding
from peer.media.audio_encoding import AudioEncoding
from peer.media.codecs import Codec
from peer.media.crossing import Crossing
from peer.media.encoding import Encoding
from peer.media.outlet import Outlet
from peer.media.passage import Passage
from peer.media.passing import may_pass
from peer.media.sending import Sending
from peer.media.tiers import Tier

E = TypeVar("E", bound=Encoding)


class Audience(ABC, Generic[E]):
    """The viewers of one kind. All is to be called on the event loop, but for `push` and `push_coded`.

    `changed` is called when `needs_frames` may have changed.
    """

    def __init__(self) -> None:
        self.sending = Sending()
        self.changed: Callable[[], None] = _nobody_listens
        self._crossing = Crossing(self._feed, self._leave_encoder, lambda: self.changed())
        self._loop: asyncio.AbstractEventLoop | None = None  # since there is a viewer
        self._running: tuple[E, ...] = ()  # what `push` feeds
        self._turn = 0  # counts the rests: what was pushed before one begins nothing after it
        self._encodings: dict[tuple[str, Tier], E] = {}
        self._fed: dict[Outlet, tuple[str, Tier]] = {}
        self._ending: list[E] = []
        self._is_fed = False  # there is something to encode

    def push(self, frame: Any) -> None:
        """Send a frame of our kind to everybody; from any thread."""
        for encoding in self._running:
            encoding.put(frame)
        if self._loop is not None and self._fed and not self._is_ready_for(frame):
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._begin_with, frame, self._turn)

    def push_coded(self, coded: Coded) -> None:
        """Send what is encoded already to those who get it as it is; from any thread."""
        self._crossing.push(coded)

    def offer(self, coding: Coding | None) -> None:
        """Let this pass as it is from now on, to those whom it fits; None: nothing does."""
        passing = coding if coding is not None and may_pass(coding.codec, self.sending) else None
        self._crossing.offer(passing, self.sending.fps)
        for outlet in tuple(self._fed) if passing is not None else ():
            self._choose_again(outlet)

    def mute(self, *, is_muted: bool) -> None:
        """While we are muted everything is encoded."""
        self._crossing.mute(is_muted=is_muted)

    @property
    def needs_frames(self) -> bool:
        """Whether anybody gets what has to be encoded."""
        return any(
            tier is not Tier.AUDIO and not self._crossing.is_passed(outlet) for outlet, (_, tier) in self._fed.items()
        )

    def forget(self) -> None:
        """Frames are not pushed for a while: the last one grows old."""

    def _begin_with(self, frame: Any, turn: int) -> None:
        if turn == self._turn and not self._is_ready_for(frame):
            self._begin(frame)

    def begin(self, sending: Sending) -> None:
        """Encode the next source like this; viewers may get another codec."""
        self.sending = sending
        for outlet in self.outlets:
            codec = self._choose(outlet.codecs)
            if codec is not None:
                outlet.codec = codec
                self._fed[outlet] = (codec.name, Tier.FULL)

    @property
    def outlets(self) -> tuple[Outlet, ...]:
        """Everybody who watches, or listens."""
        return tuple(self._fed)

    @property
    def has_ended(self) -> bool:
        """Whether the thread of every encoder has ended."""
        self._ending = [encoding for encoding in self._ending if encoding.is_alive]
        return not self._ending and not self._encodings and self._crossing.has_ended

    def encoding_of(self, outlet: Outlet) -> E | Passage | None:
        """Return what a viewer gets, None if nothing."""
        return self._crossing.passage if self._crossing.is_passed(outlet) else self.encoder_of(outlet)

    def encoder_of(self, outlet: Outlet) -> E | None:
        """Return the encoding that serves a viewer, None if none does."""
        return self._encodings.get(self._fed[outlet])

    def tier_of(self, outlet: Outlet) -> Tier:
        """Return the tier that a viewer gets."""
        return self._fed[outlet][1]

    def plug(self, outlet: Outlet) -> bool:
        """Send to a viewer from now on; false if it takes none of our codecs."""
        codec = self._choose(outlet.codecs)
        if codec is None:
            return False
        outlet.codec = codec
        self._loop = asyncio.get_running_loop()
        self._fed[outlet] = (codec.name, Tier.FULL)
        self._serve(outlet)
        return True

    def unplug(self, outlet: Outlet) -> None:
        """Send to a viewer no more. One that is not plugged in is ignored."""
        if outlet in self._fed:
            self._starve(outlet)
            self._crossing.leave(outlet)
            del self._fed[outlet]
            self.changed()

    def rest(self) -> None:
        """End every encoding until something is pushed again. Viewers stay."""
        self._is_fed = False
        self._turn += 1
        for outlet in tuple(self._fed):
            self._starve(outlet)

    def _is_ready_for(self, frame: Any) -> bool:
        """Whether the viewers have encodings of frames like this one."""
        return self._is_fed

    def _begin(self, frame: Any) -> None:
        """Start what the viewers need: there is something to encode."""
        self._is_fed = True
        for outlet in tuple(self._fed):
            self._serve(outlet)

    def ask_for_key_frame(self, outlet: Outlet) -> None:
        """A viewer has lost its picture."""

    def estimated(self, outlet: Outlet, bitrate: int) -> None:
        """A viewer says how many bits per second its link takes."""

    def reported(self, outlet: Outlet, lost: float, round_trip: float | None) -> None:
        """A viewer says what fraction of the packets was lost."""
        outlet.lost, outlet.round_trip = lost, round_trip

    @abstractmethod
    def _choose(self, codecs: Sequence[Codec]) -> Codec | None:
        """Return the codec that a viewer gets."""

    @abstractmethod
    def _open(self, codec: str, tier: Tier) -> E:
        """Begin an encoding."""

    def _serve(self, outlet: Outlet) -> None:
        """Have a viewer served as `_fed` says: by an encoder, unless and until something passes that fits it."""
        self._crossing.put(outlet, is_full=self._is_full(outlet))
        self._feed(outlet)
        self.changed()

    def _is_full(self, outlet: Outlet) -> bool:
        """Whether a viewer can take all that the source delivers."""
        return self.tier_of(outlet) is Tier.FULL

    def _choose_again(self, outlet: Outlet) -> None:
        codec = self._choose(outlet.codecs)
        if codec is not None and codec is not outlet.codec:
            self._starve(outlet)
            outlet.codec = codec
            self._fed[outlet] = (codec.name, self.tier_of(outlet))
        self._serve(outlet)

    def _feed(self, outlet: Outlet) -> None:
        """Have an encoder feed a viewer, if it needs one and has none yet."""
        key = self._fed[outlet]
        if key[1] is Tier.AUDIO or not self._is_fed or self._crossing.is_passed(outlet):
            return
        encoding = self._encodings.get(key)
        if encoding is None:
            encoding = self._encodings[key] = self._open(*key)
            asyncio.get_running_loop().call_soon(self._start, encoding)  # with all added: one key frame does
        if outlet not in encoding.outlets:
            outlet.awaits_key = True
            encoding.add(outlet)

    def _start(self, encoding: E) -> None:
        """Have an encoding get what is pushed from now on."""
        if encoding in self._encodings.values():
            self._running = (*self._running, encoding)

    def _starve(self, outlet: Outlet) -> None:
        self._crossing.rest(outlet)
        self._leave_encoder(outlet)

    def _leave_encoder(self, outlet: Outlet) -> None:
        key = self._fed[outlet]
        encoding = self._encodings.get(key)
        if encoding is None:
            return
        encoding.remove(outlet)
        if not encoding.outlets:
            encoding.close()
            self._ending = [*(one for one in self._ending if one.is_alive), self._encodings.pop(key)]
            self._running = tuple(one for one in self._running if one is not encoding)


class Listeners(Audience[AudioEncoding]):
    """Those who hear us."""

    def reported(self, outlet: Outlet, lost: float, round_trip: float | None) -> None:
        """Protect against the loss of the one who loses most."""
        super().reported(outlet, lost, round_trip)
        for encoding in self._encodings.values():
            encoding.set_loss(max(one.lost for one in encoding.outlets or (outlet,)))

    def _choose(self, codecs: Sequence[Codec]) -> Codec | None:
        return next((codec for codec in codecs if codec.name == "OPUS"), None)

    def _open(self, codec: str, tier: Tier) -> AudioEncoding:
        return AudioEncoding()


def _nobody_listens() -> None:
    """Nobody wants to know."""
