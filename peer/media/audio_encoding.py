"""Sound encoded once: Opus."""

from collections.abc import Sequence

from av import AudioFrame

from peer.capture.clock import AUDIO_RATE
from peer.capture.input import capture_time
from peer.media.burst import Burst
from peer.media.encoders import OpusEncoder
from peer.media.encoding import Encoding, Frame, send_time

WAITING = 10  # blocks of 20 ms that wait for the encoder


class AudioEncoding(Encoding):
    """Opus, 20 ms a packet."""

    codec = "OPUS"

    def __init__(self, *, bitrate: int | None = None, channels: int = 2) -> None:
        self._bitrate, self._channels = bitrate, channels
        self._encoder: OpusEncoder | None = None
        self._lost = 0.0
        self._is_resting = True  # in a long silence, or not begun
        super().__init__("OPUS", most=WAITING)

    @property
    def implementation(self) -> str:
        """The encoder's name."""
        return "libopus"

    def set_loss(self, fraction: float) -> None:
        """Protect against the loss that is reported, 0 to 1, by forward error correction."""
        self._lost = fraction

    def _wait(self) -> Frame | None:
        while not self._is_over and not self._frames:
            self._changed.wait()
        return None if self._is_over else self._frames.popleft()

    def _encode(self, frame: Frame) -> Sequence[Burst]:
        assert isinstance(frame, AudioFrame)
        if self._encoder is None:
            self._encoder = OpusEncoder(channels=self._channels, bitrate=self._bitrate)
        self._encoder.set_loss(self._lost)
        encoded = self._encoder.encode(frame)
        was_resting, self._is_resting = self._is_resting, self._encoder.is_resting
        if encoded is None:
            return ()
        begins_again = was_resting and not self._is_resting  # what bears the marker (RFC 3551, section 4.1)
        ticks = frame.pts if frame.pts is not None else round(capture_time() * AUDIO_RATE)
        return (Burst((encoded.bitstream,), ticks, send_time(), is_key=True, marks=begins_again, level=encoded.level),)

    def _release(self) -> None:
        self._encoder = None
