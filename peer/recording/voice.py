"""One user's sound, decoded, and where it belongs."""

import av

from peer.media.encoded import EncodedFrame
from peer.media.opus_decoding import RATE, DecodedSound, OpusDecoder
from peer.recording.form import PRE_SKIP
from peer.recording.mixer import Samples
from peer.recording.timeline import Timeline

SLACK = 480  # samples: less than that off its place, a packet goes on where the last one ended


class Voice:
    """Decodes Opus."""

    def __init__(self) -> None:
        self._decoder = OpusDecoder()
        self._timeline = Timeline(RATE)
        self._end = 0  # where the last packet ended

    def decode(self, frame: EncodedFrame, origin: float) -> list[tuple[int, Samples]]:
        """Return pieces of `(samples, 2)` and their positions: what is made up for packets lost before, and the packet.

        None if it is broken.
        """
        try:
            return [self._placed(sound, origin) for sound in self._decoder.decode(frame)]
        except av.FFmpegError:
            return []

    def _placed(self, sound: DecodedSound, origin: float) -> tuple[int, Samples]:
        place = self._timeline.place(sound.timestamp, sound.time - origin) - PRE_SKIP
        begin = self._end if abs(place - self._end) < SLACK else place
        self._end = begin + len(sound.samples)
        return begin, sound.samples
