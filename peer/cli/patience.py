"""How long a kiosk waits before it enters the room again. Pure."""

from signaling.reasons import Reason

SHORTEST, LONGEST = 0.5, 30.0  # seconds
CALM = 60.0  # seconds in the room after which all former failures are forgotten
UNWANTED = frozenset({Reason.KICKED, Reason.DISMISSED, Reason.REPLACED, Reason.TOKEN_EXPIRED})


class Patience:
    """Doubles with every attempt in a row that failed; one who was sent away does not come back at once."""

    def __init__(self, longest: float = LONGEST) -> None:
        self._longest = longest
        self._failures = 0

    def after_stay(self, reason: Reason, seconds: float) -> float:
        """Return the seconds to wait after a stay of so many seconds that ended so."""
        if seconds >= CALM:
            self._failures = 0
        return self._longest if reason in UNWANTED else self.after_failure()

    def after_failure(self) -> float:
        """Return the seconds to wait after an attempt to enter or to open a device failed."""
        seconds = SHORTEST * 2.0 ** min(self._failures, 16)
        self._failures += 1
        return min(self._longest, seconds)
