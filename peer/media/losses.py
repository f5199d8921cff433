"""How much of a stream is lost, by a receiver's reports. Pure.

Receivers report along with whatever else they have to say (RFC 4585), as when they ask for a lost packet: such a report
is about a handful of packets, half of which may be lost while the link is good. Reports are put together until they are
about enough.
"""

ENOUGH = 20  # packets, as in Google's congestion control
_TURN, _HALF = 2**32, 2**31


class Losses:
    """Puts the reports of one stream together."""

    def __init__(self) -> None:
        self._highest: int | None = None  # extended sequence number of the last report
        self._expected = 0  # packets since the last share was told
        self._lost = 0.0

    def report(self, lost: float, highest: int) -> float | None:
        """Take in a receiver report (RFC 3550, section 6.4.1): the share of packets lost, and the highest number.

        Return the share over the last packets, None if those are too few yet. The first report is taken as it is.
        """
        expected = ENOUGH if self._highest is None else (highest - self._highest) % _TURN
        if expected >= _HALF:  # older than the one before it
            return None
        self._highest = highest
        self._expected += expected
        self._lost += lost * expected
        if self._expected < ENOUGH:
            return None
        share = self._lost / self._expected
        self._expected, self._lost = 0, 0.0
        return share
