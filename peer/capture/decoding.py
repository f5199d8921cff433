"""Decodes a stream only while somebody wants its frames, and then from its last key frame on.

    wanted ──nobody──► resting: packets are kept, from the last key frame on ──somebody──► behind ──► wanted

Who comes while a stream rests need not wait for the next key frame, which may be seconds away: what was kept is decoded
in steps, so that the thread has time for other things, and thrown away up to the newest frame.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

import av
from av.stream import Stream

from peer.capture.input import Frame

STEP = 8  # packets that are decoded at once to catch up
MOST_PACKETS, MOST_BYTES = 1000, 16_000_000  # kept since the last key frame; beyond that the next one is waited for
Packet: TypeAlias = "av.Packet[Stream]"


class Decoder:
    """Decodes one stream, for one thread. `decode` returns a packet's frames, `flush` makes it ready to begin anew."""

    def __init__(self, decode: Callable[[Packet], Sequence[Frame]], flush: Callable[[], None]) -> None:
        self._decode, self._flush = decode, flush
        self._kept: list[Packet] = []  # from the last key frame on
        self._size = 0  # bytes
        self._behind: deque[Packet] = deque()
        self.is_on = True

    @property
    def is_behind(self) -> bool:
        """Whether `catch_up` has something to do."""
        return bool(self._behind)

    def turn(self, *, on: bool) -> None:
        """Decode from now on, or rest."""
        if on and not self.is_on:
            self._flush()
            self._behind.extend(self._kept)
        if not on:
            self._behind.clear()
        self.is_on = on

    def take(self, packet: Packet, *, is_key: bool) -> Sequence[Frame]:
        """Take in the next packet; return its frames, nothing while it rests or has to catch up."""
        self._keep(packet, is_key=is_key)
        if self.is_on and self._behind:
            self._behind.append(packet)
            return ()
        return self._decode(packet) if self.is_on else ()

    def catch_up(self) -> Sequence[Frame]:
        """Decode some of what was kept; return the newest frames once that is all."""
        frames: Sequence[Frame] = ()
        for _ in range(min(STEP, len(self._behind))):
            frames = self._decode(self._behind.popleft()) or frames
        return () if self._behind else frames

    def begin_anew(self) -> None:
        """The next packet does not continue those before it."""
        self._kept.clear()
        self._behind.clear()
        self._size = 0

    def _keep(self, packet: Packet, *, is_key: bool) -> None:
        if is_key:
            self._kept.clear()
            self._size = 0
        elif not self._kept:
            return
        self._kept.append(packet)
        self._size += packet.size
        if len(self._kept) > MOST_PACKETS or self._size > MOST_BYTES:
            self._kept.clear()
