"""How loud sound is. Pure."""

import math

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 32_768.0
SILENCE = -127  # dBov


def dbov(power: float) -> int:
    """Return the level of a mean square of int16 samples in dBov, -127 to 0 (RFC 6465, appendix A)."""
    return round(max(10 * math.log10(power / FULL_SCALE**2), SILENCE)) if power > 0 else SILENCE


def level(samples: NDArray[np.int16]) -> int:
    """Return the level of samples, of any shape, in dBov; of none that of silence."""
    wide = samples.reshape(-1).astype(np.float32)
    return dbov(float(wide @ wide) / wide.size) if wide.size else SILENCE
