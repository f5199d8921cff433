"""When an event loop counts as blocked. Pure: `watchdog.py` asks the loop, and ends what does not answer.

    asleep ──exit due, or a signal──► watched ──silent for LOOP_LIMIT──► blocked
       ▲                                 │
       └──exit over; signal answered─────┘

Turns are counted, not the clock: a process that was stopped, or a machine that slept, was not silent for so long.
"""

LOOP_LIMIT = 2.0  # seconds that a loop which has to leave may be silent
TURN = 0.1  # seconds between two looks at a loop that is watched
LONGEST_TURN = 2 * TURN  # seconds; what is more was not the loop's fault, as nobody ran


class Silence:
    """One loop's answers, while an exit is due."""

    def __init__(self) -> None:
        self.lasted = 0.0  # seconds since it last answered
        self.watched_for = 0.0  # seconds
        self._limit = LOOP_LIMIT
        self._exit_is_due = False
        self._has_signal = False

    @property
    def is_watched(self) -> bool:
        """Whether the loop has to answer."""
        return self._exit_is_due or self._has_signal

    @property
    def is_over_limit(self) -> bool:
        """Whether the loop is blocked."""
        return self.is_watched and self.lasted >= self._limit

    def exit_is_due(self, limit: float = LOOP_LIMIT) -> None:
        """An exit has begun: watch the loop until it is over. Said again, it changes how long a silence may be."""
        self._begin()
        self._limit = limit
        self._exit_is_due = True

    def signalled(self) -> None:
        """A signal asks to leave: watch the loop until it answers. It then does what the signal wants."""
        self._begin()
        self._has_signal = True

    def turn(self, seconds: float, *, answered: bool) -> None:
        """A turn is over, in which the loop has answered or not."""
        if not self.is_watched:
            return
        counted = min(seconds, LONGEST_TURN)
        self.watched_for += counted
        if answered:
            self.lasted, self._has_signal = 0.0, False
        else:
            self.lasted += counted

    def _begin(self) -> None:
        if not self.is_watched:
            self.lasted = self.watched_for = 0.0
