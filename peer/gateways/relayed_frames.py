"""Decodes what is relayed, for those who cannot take it as it is. For one thread: the source's."""

from collections.abc import Callable, Sequence
from typing import cast

import av

from peer.capture.clock import AUDIO_RATE, AudioClock
from peer.capture.convert import Blocks, PictureConverter, SoundConverter, block_frame, stamp_picture
from peer.capture.input import Frame
from peer.capture.source import Kind
from peer.media.encoded import EncodedFrame

DECODERS = {"vp8": "vp8", "h264": "h264", "opus": "libopus"}
LARGEST = 8192 * 4320  # pixels: a picture that says it has more is not decoded
Decoder = av.VideoCodecContext | av.AudioCodecContext


class RelayedFrames:
    """Decodes one kind while it is asked to. `ask` asks for a key frame: without one it cannot begin."""

    def __init__(self, kind: Kind, ask: Callable[[], None]) -> None:
        self._kind, self._ask = kind, ask
        self._codec = ""
        self._decoder: Decoder | None = None
        self._begin()

    def decode(self, frame: EncodedFrame, stamp: int) -> Sequence[Frame]:
        """Return what comes of a frame, in the form of all sources: nothing before the first key frame."""
        if self._decoder is None or frame.codec != self._codec:
            if not frame.is_key:
                self._ask()
                return []
            self._begin()
            self._codec, self._decoder = frame.codec, _decoder(frame.codec)
        try:
            decoded = cast("list[Frame]", self._decoder.decode(av.Packet(frame.payload)))
        except av.FFmpegError:
            self.rest()
            self._ask()
            return []
        return [one for piece in decoded for one in self._converted(piece, stamp)]

    def rest(self) -> None:
        """Nobody wants frames: begin anew with the next key frame."""
        self._decoder = None

    def _begin(self) -> None:
        self._pictures, self._sound = PictureConverter(owned=True), SoundConverter()
        self._blocks, self._clock = Blocks(), AudioClock()

    def _converted(self, decoded: Frame, stamp: int) -> list[Frame]:
        if isinstance(decoded, av.VideoFrame):
            return [stamp_picture(self._pictures.convert(decoded), stamp)]
        blocks = self._blocks.push(self._sound.convert(decoded), stamp / AUDIO_RATE)
        stamped = [(block, self._clock.stamp(at)) for at, block in blocks]
        return [block_frame(block, at) for block, at in stamped if at is not None]


def _decoder(codec: str) -> Decoder:
    """Open a decoder that hands out each frame at once."""
    decoder = av.CodecContext.create(DECODERS[codec], "r")
    if isinstance(decoder, av.AudioCodecContext):
        decoder.sample_rate, decoder.layout = AUDIO_RATE, "stereo"
        return decoder
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.options = {"max_pixels": str(LARGEST)}
    decoder.thread_count = 1  # frame threads would each hold a frame back
    decoder.flags |= av.codec.context.Flags.low_delay
    return decoder
