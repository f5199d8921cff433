"""Black and silence in the place of a device that is lost: connections and remote tracks stay up."""

import asyncio

from av import VideoFrame

from peer.capture.clock import AUDIO_RATE, BLOCK, VIDEO_RATE, Metronome
from peer.capture.convert import BLOCK_BYTES, block_frame, stamp_picture
from peer.capture.input import capture_time
from peer.media.blank import Frame, black
from peer.media.fanout import Fanout

PERIODS = {"audio": BLOCK / AUDIO_RATE, "video": 0.5}  # seconds
SLACK = 10  # blocks of silence that are made up for when the loop was busy


class Filler:
    """Sends black pictures of the last one's size, or silence, through a fan-out in real time, until `stop`."""

    def __init__(self, fanout: Fanout) -> None:
        self._fanout = fanout
        self._loop = asyncio.get_running_loop()
        begin = max(capture_time(), float(fanout.reached))
        self._metronome = Metronome(PERIODS[fanout.kind], begin, slack=SLACK if fanout.kind == "audio" else 0)
        self._timer: asyncio.Handle = self._loop.call_soon(self._beat)

    def stop(self) -> None:
        """Send nothing more. May be called twice."""
        self._timer.cancel()

    def _beat(self) -> None:
        while (beat := self._metronome.beat(capture_time())) is not None:
            self._fanout.push(self._frame(self._metronome.moment(beat)))
        self._timer = self._loop.call_later(max(self._metronome.next_moment() - capture_time(), 0), self._beat)

    def _frame(self, at: float) -> Frame:
        if self._fanout.kind == "audio":
            return block_frame(bytes(BLOCK_BYTES), round(at * AUDIO_RATE))
        picture: VideoFrame = black(*self._fanout.size)
        return stamp_picture(picture, round(at * VIDEO_RATE))
