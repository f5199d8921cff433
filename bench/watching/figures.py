"""What is measured of an audience."""

from dataclasses import dataclass

from bench.publishing.figures import ALL_FRAMES
from bench.publishing.footage import FPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """So many viewers of one topology, measured once."""

    topology: str
    viewers: int
    run: int
    cpu: float = 0.0  # seconds per second of media, of the publisher
    janus: float = 0.0  # the same, of Janus
    uplink: float = 0.0  # kbit/s of RTP that leave the publisher, to all together
    frames: float = 0.0  # per second, whole, at the median viewer
    worst: float = 0.0  # the same at the worst viewer
    notice: float | None = None  # milliseconds from a leave until the last had heard of it, in the median
    others: float = 0.0  # cores that everything else on the machine kept busy, the viewers included
    error: str = ""

    @property
    def is_full(self) -> bool:
        """Whether every viewer got all frames."""
        return not self.error and self.worst >= ALL_FRAMES * FPS
