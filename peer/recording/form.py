"""What a container is told: of each track once, and of each frame. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

CLOCK_RATES = {"video": 90_000, "audio": 48_000}  # ticks per second
EVERYBODY = "everybody"  # the name that a composite's tracks carry
PRE_SKIP = 312  # samples that an Opus decoder is behind, as libopus encodes (RFC 7845, section 4.2)


class HeaderFull(Exception):
    """One track more than there is room for at the head of a file."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the head of a file says of one track. `private`: what its decoder has to know before the first frame."""

    kind: str  # "video", "audio"
    codec: str  # "vp8", "h264", "opus"
    name: str
    width: int = 0  # pixels
    height: int = 0
    begins: int = 0  # ticks of its clock: when in the file its first frame is shown
    private: bytes = b""  # H.264: AVCDecoderConfigurationRecord (ISO/IEC 14496-15, section 5.3.3.1)

    @property
    def rate(self) -> int:
        """Ticks per second of the track's clock."""
        return CLOCK_RATES[self.kind]


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame on its way into a file."""

    track: int  # from 0, in the order of the tracks
    at: int  # ticks of the track's clock since the file began; rises from each sample of a track to its next
    payload: bytes
    is_key: bool


class Container(Protocol):
    """Turns samples into the bytes of one file: a head of a fixed length that may be written again, then parts."""

    def head(self, forms: Sequence[Form], seconds: float, *, length: int | None = None) -> bytes:
        """Return the head of the file, of which so many seconds are written; all heads of a file are equally long.

        `length`: of the whole file, once it is finished. Raises `HeaderFull`.
        """

    def part(self, samples: Sequence[Sample], forms: Sequence[Form], at: int) -> bytes:
        """Return what is appended at the offset `at` for these samples, at least one; it may be nothing as yet."""

    def tail(self, forms: Sequence[Form], at: int) -> bytes:
        """Return what is appended at last."""


def seconds(sample: Sample, forms: Sequence[Form]) -> float:
    """Return when in the file a sample begins."""
    return sample.at / forms[sample.track].rate
