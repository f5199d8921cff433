"""Cameras and screens that are open: as pictures, and as what a camera has encoded itself."""

from collections.abc import Sequence

import av
from av.container import InputContainer

from peer.capture.clock import VideoClock
from peer.capture.coded import Coded
from peer.capture.convert import PictureConverter, stamp_picture
from peer.capture.decoding import Decoder, Packet
from peer.capture.format import Opened
from peer.capture.input import Frame, Input, capture_time
from peer.capture.source import Camera, Kind, Screen
from peer.capture.unpacking import UNFIT, Unpacker
from peer.capture.waiting import Expectation


class VideoDevice(Input):
    """A camera or a screen that is open."""

    kinds = (Kind.VIDEO,)

    def __init__(self, source: Camera | Screen, container: InputContainer) -> None:
        stream = container.streams.video[0]
        fps = float(stream.average_rate or stream.guessed_rate or source.fps)
        self.form = Opened(
            width=stream.width,
            height=stream.height,
            fps=fps,
            coding=_coding(stream),
            asked_width=source.width,
            asked_height=source.height,
            asked_fps=source.fps,
        )
        self._container = container
        self._converter = PictureConverter()
        self._clock = VideoClock()
        self._expectation = Expectation(1 / fps)

    def read(self) -> Sequence[Frame | Coded]:
        """Return the next picture."""
        pictures = _pictures(self._container, self._converter)
        if not pictures:
            return []
        now = capture_time()
        self._expectation.arrived(now)
        return [stamp_picture(picture, self._clock.stamp(now)) for picture in pictures]

    def delay(self) -> float:
        """Wait until shortly before the next picture is expected."""
        return self._expectation.delay(capture_time())

    def close(self) -> None:
        """Close the device. No picture and no packet of it may be alive."""
        close_device(self._container)


class CodedCamera(VideoDevice):
    """A camera that encodes. Its packets are copied: they lie in the driver's memory."""

    def __init__(self, source: Camera, container: InputContainer, unpacker: Unpacker) -> None:
        super().__init__(source, container)
        self.coded = {Kind.VIDEO: unpacker.coding}
        self._unpacker: Unpacker | None = unpacker  # None: what it gives cannot be sent as it is after all
        self._context = container.streams.video[0].codec_context
        self._decoder = Decoder(self._decode, self._context.flush_buffers)
        self._decoded = PictureConverter(owned=True)

    def read(self) -> Sequence[Frame | Coded]:
        """Return the next picture: as the camera encoded it, decoded, or both, as is wanted."""
        self._decoder.turn(on=Kind.VIDEO in self.demand.frames or self._unpacker is None)
        late = self._decoder.catch_up()
        packet = self._copied()
        if packet is None:
            return self._stamped(late, self._clock.stamp(capture_time())) if late else []
        now = capture_time()
        self._expectation.arrived(now)
        stamp = self._clock.stamp(now)
        coded, is_key = self._unpacked(packet, stamp)
        return [*coded, *self._stamped(self._decoder.take(packet, is_key=is_key) or late, stamp)]

    def delay(self) -> float:
        """Wait for the next picture, if there is nothing to be decoded meanwhile."""
        return 0.0 if self._decoder.is_behind else super().delay()

    def _copied(self) -> "Packet | None":
        """Return a copy of the next packet, None if there is none yet. What the device lent is given back."""
        try:
            packet = next(self._container.demux(video=0))
        except BlockingIOError:
            return None
        except StopIteration:
            raise EOFError from None
        copy: Packet = av.Packet(bytes(packet))
        copy.pts, copy.time_base = packet.pts, packet.time_base
        return copy

    def _unpacked(self, packet: Packet, stamp: int) -> tuple[list[Coded], bool]:
        unit = self._unpacker.unpack(packet) if self._unpacker is not None else None
        if unit is None:
            return [], False
        if unit is UNFIT:
            self._unpacker = None
        coded = Coded(Kind.VIDEO, unit.bitstream, stamp, unit.is_key)
        return [coded] if Kind.VIDEO in self.demand.coded else [], unit.is_key

    def _decode(self, packet: Packet) -> Sequence[Frame]:
        try:
            return self._context.decode(packet)
        except av.InvalidDataError:  # a damaged packet costs its picture
            return ()

    def _stamped(self, frames: Sequence[Frame], stamp: int) -> list[Frame]:
        """Return the newest picture."""
        pictures = [frame for frame in frames[-1:] if isinstance(frame, av.VideoFrame)]
        return [stamp_picture(self._decoded.convert(picture), stamp) for picture in pictures]


def _coding(stream: av.VideoStream) -> str:
    context = stream.codec_context
    return (context.pix_fmt or "rawvideo") if context.name == "rawvideo" else context.name


def _pictures(container: InputContainer, converter: PictureConverter) -> list[av.VideoFrame]:
    """Return copies of the pictures in the next packet. What the device lent is given back when this returns."""
    try:
        packet = next(container.demux(video=0))
        return [converter.convert(frame) for frame in packet.decode()]
    except (BlockingIOError, av.InvalidDataError):  # nothing yet, or a damaged JPEG: the next will be whole
        return []
    except StopIteration:
        raise EOFError from None


def close_device(container: InputContainer) -> None:
    """Close a device, and let the driver have all of its memory back."""
    for stream in container.streams:
        stream.codec_context.flush_buffers()  # a decoder may still hold a packet in the driver's memory
    container.close()
