"""How long a WHIP or WHEP connection lasts, as far as its other end has a say. Pure.

    CONNECTING ──connected──► LIVE ──closed there, or nothing heard for the limit──► OVER
        └──too late, or it failed──────────────────────────────────────────────────►──┘

What is heard is anything that the other end alone can have sent: sound, picture and their reports as well as the checks
of ICE, of which each side sends one every few seconds however little there is to see. A connection that is closed
properly says so (DTLS close_notify); one whose program died says nothing. Times are in seconds.
"""

from dataclasses import dataclass
from enum import Enum, auto

from peer.media.liveness import SILENCE_LIMIT, Liveness
from signaling.reasons import Reason

CONNECT_LIMIT = 30.0  # from the answer to the connection


class Phase(Enum):
    """What is happening."""

    CONNECTING = auto()
    LIVE = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class End:
    """Why it is over: "left" was wanted there, "network_lost" was not; then nothing was heard for `silent_for`."""

    reason: Reason
    text: str
    silent_for: float = 0.0


class Life:
    """One connection."""

    def __init__(self, now: float, *, silence_limit: float = SILENCE_LIMIT) -> None:
        self.phase = Phase.CONNECTING
        self._began = now
        self._limit = silence_limit
        self._liveness = Liveness(now, silence_limit)

    def connected(self, now: float) -> None:
        """It is made."""
        if self.phase is Phase.CONNECTING:
            self.phase, self._liveness = Phase.LIVE, Liveness(now, self._limit)

    def heard(self, at: float) -> None:
        """Something came at that moment."""
        self._liveness.heard(at)

    def closed(self, now: float) -> End | None:
        """It is closed, or has failed; None if that is known."""
        if self.phase is Phase.LIVE and self._liveness.silent_for(now) < self._limit:
            return self._over(End(Reason.LEFT, "it was closed at the other end"))
        return self._lost(now)

    def next_deadline(self) -> float | None:
        """Return when to call `advance`; None when it is over."""
        match self.phase:
            case Phase.CONNECTING:
                return self._began + CONNECT_LIMIT
            case Phase.LIVE:
                return self._liveness.next_deadline()
            case Phase.OVER:  # pragma: no branch - all are named
                return None

    def advance(self, now: float) -> End | None:
        """Time has passed."""
        match self.phase:
            case Phase.CONNECTING:
                is_lost = now >= self._began + CONNECT_LIMIT
            case Phase.LIVE:
                is_lost = self._liveness.is_lost(now)
            case Phase.OVER:  # pragma: no branch - all are named
                is_lost = False
        return self._lost(now) if is_lost else None

    def _lost(self, now: float) -> End | None:
        was_live = self.phase is Phase.LIVE
        silent_for = self._liveness.silent_for(now)
        text = f"nothing was heard for {silent_for:.1f} s" if was_live else "it was never connected"
        return self._over(End(Reason.NETWORK_LOST, text, silent_for))

    def _over(self, end: End) -> End | None:
        if self.phase is Phase.OVER:
            return None
        self.phase = Phase.OVER
        return end
