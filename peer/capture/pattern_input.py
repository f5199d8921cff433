"""The test pattern as a source: paced by the clock, without any device."""

import time
from datetime import UTC, datetime

import av
import numpy as np
from numpy.typing import NDArray

from peer.capture.clock import AUDIO_RATE, BLOCK, AudioClock, Metronome, VideoClock
from peer.capture.convert import PIXELS, block_frame, plane_array, stamp_picture
from peer.capture.format import Opened
from peer.capture.input import Frame, Input, capture_time
from peer.capture.picture import Pattern
from peer.capture.source import TestPattern

AMPLITUDE = 32767 * 10 ** (-12 / 20)  # -12 dBFS
AUDIO_SLACK = 5  # blocks that are made up for when the thread was held up: 100 ms


class PatternInput(Input):
    """A running test pattern."""

    def __init__(self, source: TestPattern) -> None:
        now = capture_time()
        self.kinds = source.kinds
        self._pattern = Pattern(source.width, source.height)
        self._pictures = Metronome(1 / source.fps, now)
        self._blocks = Metronome(BLOCK / AUDIO_RATE, now, AUDIO_SLACK)
        self._tone = source.tone
        self._video_clock = VideoClock()
        self._audio_clock = AudioClock()
        self.form = Opened(
            width=self._pattern.width,
            height=self._pattern.height,
            fps=source.fps,
            coding=PIXELS,
            rate=AUDIO_RATE if self._tone else None,
            channels=2 if self._tone else None,
            sound_coding="s16" if self._tone else None,
            asked_width=source.width,
            asked_height=source.height,
            asked_fps=source.fps,
        )

    def read(self) -> list[Frame]:
        """Return the picture and the block that are due."""
        now = capture_time()
        frames: list[Frame] = []
        if (beat := self._pictures.beat(now)) is not None:
            frames.append(self._picture(self._video_clock.stamp(self._pictures.moment(beat))))
        if self._tone and (beat := self._blocks.beat(now)) is not None:
            stamp = self._audio_clock.stamp(self._blocks.moment(beat))
            frames.extend([block_frame(tone_block(self._tone, beat), stamp)] if stamp is not None else [])
        return frames

    def delay(self) -> float:
        """Wait for the next beat."""
        moments = [self._pictures.next_moment()] + ([self._blocks.next_moment()] if self._tone else [])
        return max(min(moments) - capture_time(), 0.0)

    def close(self) -> None:
        """There is nothing to close."""

    def _picture(self, stamp: int) -> av.VideoFrame:
        frame = av.VideoFrame(self._pattern.width, self._pattern.height, PIXELS)
        moment = time.time()
        clock = datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S.%f")[:-3]
        planes = plane_array(frame, 0), plane_array(frame, 1), plane_array(frame, 2)
        self._pattern.draw(planes, int(moment * 1000), clock)
        return stamp_picture(frame, stamp)


def tone_block(frequency: float, number: int) -> bytes:
    """Return the samples of block `number` of an endless sine, the same on both channels."""
    samples = np.arange(number * BLOCK, (number + 1) * BLOCK)
    wave = AMPLITUDE * np.sin(samples * (2 * np.pi * frequency / AUDIO_RATE))
    stereo: NDArray[np.int16] = wave.astype(np.int16).repeat(2)
    return stereo.tobytes()
