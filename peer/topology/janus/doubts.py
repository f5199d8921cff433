"""Which feeds deliver nothing any more, after words of Janus may have been lost. Pure.

A feed may have ended and begun again without our hearing of it: Janus has ended our subscription with it, and its list
of those who publish is the same as before. So whatever we are subscribed to is watched for a while. What delivers
nothing is subscribed to anew, over a new connection, as an offer may be lost as well, without which Janus makes no
other. A publisher may have nothing to send all the same: then it is silent on the new connection, too, and that was
that until it has delivered something.
"""

from collections.abc import Mapping

SILENT_LIMIT = 5.0  # seconds in which each feed is to deliver something


class Doubts:
    """What was delivered by the feeds that we are subscribed to. Counts are of packets, by feed; times in seconds."""

    def __init__(self) -> None:
        self._before: dict[int, int] | None = None
        self._until = 0.0
        self._known: set[int] = set()  # feeds that were silent on the connection before, and on this one so far

    def begin(self, counts: Mapping[int, int], now: float) -> None:
        """Words may have been lost: from now on everything is to deliver."""
        self._known &= {feed for feed, count in counts.items() if not count}
        self._before = {feed: count for feed, count in counts.items() if feed not in self._known}
        self._until = now + SILENT_LIMIT

    def next_deadline(self) -> float | None:
        """Return when `silent` is to be asked; None: there is no doubt."""
        return None if self._before is None else self._until

    def silent(self, counts: Mapping[int, int], now: float) -> frozenset[int]:
        """Return the feeds that have delivered nothing in all that time; then there is no doubt any more."""
        if self._before is None or now < self._until:
            return frozenset()
        found = frozenset(feed for feed, count in self._before.items() if counts.get(feed) == count)
        self._before = None
        self._known |= found
        return found

    def end(self) -> None:
        """The connection is another: all is subscribed to anew."""
        self._before = None
