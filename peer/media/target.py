"""The bitrate that one tier's encoder runs at. Pure."""

import math

FLOOR_SHARE = 0.4  # of a tier's best bitrate, below which its picture is not worth sending
RISE = 1.08  # times per second, at most
WORTH = 0.05  # share of the bitrate; a smaller change is not worth a change


class Target:
    """The bitrate of one tier's encoder, in bits per second: within [floor, best]."""

    def __init__(self, best: int) -> None:
        self.best = best
        self.floor = round(FLOOR_SHARE * best)
        self.told = best  # what the encoder was told last
        self.value = float(best)
        self.measured = math.inf  # what the encoder made of it
        self.slowest = float(best)  # what the slowest viewer can take

    @property
    def sent(self) -> float:
        """What each viewer is sent: of an easy picture, less than could be."""
        return min(self.told, self.measured)

    @property
    def is_lowered(self) -> bool:
        """Whether the picture is clearly worse than it could be."""
        return self.told < (1 - WORTH) * self.best

    def clamp(self, bitrate: float) -> float:
        """Return the bitrate in our range that is nearest."""
        return min(max(bitrate, self.floor), self.best)

    def begin(self, bitrate: float) -> bool:
        """Begin anew, with the first viewer; return whether the encoder is to be told."""
        self.value = self.slowest = self.clamp(bitrate)
        self.measured = math.inf
        return self._tell()

    def follow(self, slowest: float, elapsed: float) -> bool:
        """Approach what the slowest viewer can take; return whether the encoder is to be told."""
        self.slowest = self.clamp(slowest)
        self.value = min(self.slowest, self.value * RISE**elapsed)
        return self._tell()

    def _tell(self) -> bool:
        is_worth_it = abs(self.value - self.told) >= WORTH * self.told
        if is_worth_it:
            self.told = round(self.value)
        return is_worth_it
