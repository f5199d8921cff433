"""Who needs a key frame, and when the next one is due. Pure: whoever encodes asks before each picture.

    quiet ──ask, joined──► wanted ──due, begun──► under way ──sent──► quiet

- A key frame goes to everybody, so it answers everybody who asked before it was sent.
- A viewer that has a picture and lost its way asks with PLI or FIR, again and again until it is helped. What it asks
  within its round trip after a key frame was sent, it asked before it could see that one. Otherwise it is helped as
  soon as the last key frame is `PLI_INTERVAL` old: a storm of requests costs two key frames per second, not more.
- A viewer that has just joined sees nothing until it has a key frame: it waits until the last is `JOIN_INTERVAL` old,
  so that its first picture is there within 300 ms. A key frame sent before it joined is no help to it.
- A key frame that was begun and not sent within `BEGUN_LIMIT` is not coming: the encoder was replaced, or dropped it.
"""

import math

PLI_INTERVAL = 0.5  # seconds between two key frames, however often viewers with a picture ask
JOIN_INTERVAL = 0.2  # seconds between two key frames, however many viewers join
ROUND_TRIP = 0.1  # seconds, of a viewer whose round trip is not known
BEGUN_LIMIT = 0.5  # seconds from telling the encoder to the key frame on the wire


class KeyFrames:
    """The key frames of one encoder. Times are in seconds."""

    def __init__(self) -> None:
        self._sent_at = -math.inf
        self._due = math.inf  # when the one that is wanted may be made
        self._begun_until = -math.inf  # when the one that was begun counts as lost

    def ask(self, now: float, round_trip: float = ROUND_TRIP) -> None:
        """A viewer that has a picture asks (PLI, FIR)."""
        if now >= self._sent_at + round_trip:
            self._want(PLI_INTERVAL, now)

    def joined(self, now: float) -> None:
        """There is a viewer without a picture; every key frame sent from now on reaches it."""
        self._want(JOIN_INTERVAL, now)

    def is_due(self, now: float) -> bool:
        """Return whether the next picture has to be a key frame."""
        deadline = self.next_deadline()
        return deadline is not None and now >= deadline

    def begun(self, now: float) -> None:
        """The encoder was told. Needed only where it may be asked again before the key frame is sent."""
        self._begun_until = now + BEGUN_LIMIT

    def sent(self, now: float) -> None:
        """A key frame was sent, whether it was due or the encoder made it by itself: everybody has one."""
        self._sent_at = now
        self._due, self._begun_until = math.inf, -math.inf

    def next_deadline(self) -> float | None:
        """Return when a key frame is due; None if nobody needs one."""
        return max(self._due, self._begun_until) if self._due < math.inf else None

    def _want(self, interval: float, now: float) -> None:
        self._due = min(self._due, max(now, self._sent_at + interval))
