"""One RTP packet, as far as putting frames together needs it. Pure."""

from dataclasses import dataclass


class Unwrapper:
    """Counts on where a field of so many bits begins anew (RFC 3550, appendix A.1)."""

    def __init__(self, bits: int) -> None:
        self._size = 1 << bits
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        """Return the number that is nearest to the greatest before, and note it if it is greater."""
        if self._last is None:
            self._last = value + self._size  # so that what came before the first is no negative number
            return self._last
        number = self.near(value)
        self._last = max(self._last, number)
        return number

    def near(self, value: int) -> int:
        """Return the number that is nearest to the greatest before."""
        last = value + self._size if self._last is None else self._last
        half = self._size // 2
        return last + (value - last + half) % self._size - half


@dataclass(frozen=True, slots=True)
class RtpPart:
    """One packet. `number` and `timestamp` are RTP's, counted on where they wrap."""

    number: int
    timestamp: int
    is_last: bool  # the marker: nothing more of this picture follows
    payload: bytes
    arrived_at: float  # seconds
