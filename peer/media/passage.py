"""What a source delivers encoded, sent as it is: an encoding without an encoder.

device's thread ──put──► a second of packets ──► payloads, cut once ──► each outlet
                 └ at a key frame: who waits is taken from its encoder, before the encoder can see the same picture
"""

from collections.abc import Callable, Sequence

from peer.capture.coded import Coded, Coding
from peer.media.burst import Burst
from peer.media.encoding import Frame
from peer.media.outlet import Outlet
from peer.media.packetizing import Packetizing

NO_ENCODER = "pass-through"  # what stands in the place of an encoder's name
MOST = 30  # packets that wait: none of them can be left out, so that this is not for newest wins, but for our thread


class Passage(Packetizing):
    """Sends packets to its outlets.

    `turned` is called, in the device's thread, when it has taken some that waited, and when it `is_behind`.
    """

    def __init__(self, coding: Coding, *, fps: float, turned: Callable[["Passage"], None]) -> None:
        self._turned = turned
        self._waiting: tuple[Outlet, ...] = ()
        self.is_behind = False  # packets had to be left out: the next to be sent is a key frame
        self._is_first = True
        super().__init__(f"{coding.codec} {NO_ENCODER}", coding.codec, most=MOST, fps=fps, bitrate=coding.bitrate or 0)
        self.size = (coding.width, coding.height)

    @property
    def implementation(self) -> str:
        """No encoder: "pass-through"."""
        return NO_ENCODER

    def await_key(self, outlet: Outlet) -> None:
        """Take an outlet over at the next key frame; until then it goes on as it does."""
        with self._changed:
            self._waiting = (*self._waiting, outlet)

    def put(self, frame: Frame) -> None:
        """Offer a packet, from any thread. One for which there is no room costs all up to the next key frame."""
        assert isinstance(frame, Coded)
        with self._changed:
            was_behind = self.is_behind
            self.is_behind = not frame.is_key and (was_behind or len(self._frames) >= self._most)
            has_taken = frame.is_key and self._take_over()
            if self.is_behind:
                self.frames_dropped += 1
            else:
                super().put(frame)
        if has_taken or self.is_behind > was_behind:
            self._turned(self)

    def remove(self, outlet: Outlet) -> None:
        """Feed one less, or do not take it over. One that is not known is ignored."""
        with self._changed:
            self._waiting = tuple(other for other in self._waiting if other is not outlet)
            super().remove(outlet)

    def close(self) -> None:
        """End after the packet that is being sent."""
        with self._changed:
            self._waiting = ()
            super().close()

    def _take_over(self) -> bool:
        waiting, self._waiting = self._waiting, ()
        for outlet in waiting:
            if outlet.feeder is not None:
                outlet.feeder.remove(outlet)
            outlet.awaits_key = True
            self.add(outlet)
        return bool(waiting)

    def _wait(self) -> Frame | None:
        while not self._is_over and not self._frames:
            self._changed.wait()
        return None if self._is_over else self._frames.popleft()

    def _encode(self, frame: Frame) -> Sequence[Burst]:
        assert isinstance(frame, Coded)
        is_sound = self.codec == "OPUS"
        self.key_frames_encoded += frame.is_key and not is_sound
        marks, self._is_first = self._is_first or not is_sound, False  # of sound, the first (RFC 3551, section 4.1)
        return self._bursts(frame.bitstream, frame.stamp, is_key=frame.is_key, marks=marks)

    def _release(self) -> None:
        """There is no encoder."""
