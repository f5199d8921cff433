"""How a source is to be encoded. Pure."""

from msgspec import Struct

BITS_PER_PIXEL = 0.055
LEAST, MOST = 150_000, 8_000_000  # bits per second of a picture, unless said otherwise


class Sending(Struct, frozen=True):
    """How a source is to be encoded. `bitrate` in bits per second, None: what suits its size."""

    codec: str = "auto"  # "H264", "VP8", "auto"
    encoder: str = "software"  # "software", "auto" (hardware where there is some), or an encoder's name
    bitrate: int | None = None
    fps: float = 30.0  # frames per second that the source delivers


def best_bitrate(width: int, height: int, fps: float) -> int:
    """Return the bits per second that suit a picture: 1.5 Mbit/s for 1280x720 at 30 frames per second."""
    return round(min(max(BITS_PER_PIXEL * width * height * fps, LEAST), MOST))
