"""Sound that says when it was: a tone that rises for four seconds, over and over, by the machine's clock. Pure."""

import numpy as np
from numpy.typing import NDArray

RATE = 48_000  # Hz
PERIOD = 4.0  # seconds
LOWEST, SPAN = 500.0, 10_000.0  # Hz
AMPLITUDE = 8000
LOUD = 500  # of a sample; less is silence
FINE = 8  # times that the spectrum is finer than the samples alone make it

Samples = NDArray[np.int16]  # (samples, channels)


def tone(moment: float, count: int) -> Samples:
    """Return so many samples, in stereo, of which the first is for this moment, in seconds."""
    at = (moment + np.arange(count) / RATE) % PERIOD
    phase = 2 * np.pi * (LOWEST * at + SPAN * at**2 / (2 * PERIOD))
    return (AMPLITUDE * np.sin(phase)).astype(np.int16)[:, None].repeat(2, axis=1)


def delay(samples: Samples, now: float) -> float | None:
    """Return how long before `now` the last of these was due, in seconds, at most `PERIOD`; None: they are silent."""
    if np.abs(samples.astype(int)).max() < LOUD:
        return None
    wave = samples[:, 0] * np.hanning(len(samples))
    spectrum = np.abs(np.fft.rfft(wave, len(wave) * FINE))
    frequency = float(spectrum.argmax()) * RATE / (len(wave) * FINE)
    end = (frequency - LOWEST) / SPAN * PERIOD + len(samples) / RATE / 2
    return (now - end) % PERIOD
