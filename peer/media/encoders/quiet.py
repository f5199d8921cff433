"""What needs not be sent of sound, and what has to be sent twice. Pure.

Silence: after 200 ms of it, when the decoder on the other side has come to rest, one packet per 400 ms suffices, as
with Opus's own DTX, which FFmpeg does not offer. Blocks are of 20 ms.
"""

LOUDEST_SILENCE = 1  # of 32767: what dithering leaves
HANGOVER = 10  # blocks
KEEPALIVE = 20  # blocks

BANDS = (0, 5, 10, 20)  # per cent of loss that Opus's error correction can be set to
CALM = 0.6  # of a band's beginning: only from there on down it is left


class Quiet:
    """Tells which blocks of a stream go out."""

    def __init__(self) -> None:
        self._silent = 0

    @property
    def is_resting(self) -> bool:
        """Whether most blocks are left out now."""
        return self._silent > HANGOVER

    def goes_out(self, *, is_silent: bool) -> bool:
        """Take in the next block; return whether it is to be encoded."""
        if not is_silent:
            self._silent = 0
            return True
        self._silent += 1
        return self._silent <= HANGOVER or (self._silent - HANGOVER) % KEEPALIVE == 0


def loss_band(loss: float, band: int) -> int:
    """Return the band for a fraction of lost packets, the present one being `band`. Slower to leave than to enter."""
    percent = loss * 100
    reached = max(edge for edge in BANDS if edge <= max(percent, 0))
    return band if reached < band and percent > band * CALM else reached
