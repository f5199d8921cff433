"""A container's pictures and sound, decoded and as they come, on one line of time that loops do not break."""

from collections import deque
from collections.abc import Callable, Sequence
from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Disposition

from peer.capture.clock import AUDIO_RATE, BLOCK
from peer.capture.convert import Blocks, PictureConverter, SoundConverter
from peer.capture.decoding import Decoder, Packet
from peer.capture.input import Demand, Frame
from peer.capture.source import Kind
from peer.capture.unpacking import UNFIT, Unit, unpacker_of

_DEFAULT_PERIOD = 1 / 30  # seconds, of a picture without a duration


class Tape:
    """Reads a container. `pictures` and `blocks` are what was decoded, `units` what goes over the wire as it is."""

    def __init__(self, container: InputContainer, *, loop: bool) -> None:
        self.container = container
        self.video = next((s for s in container.streams.video if not s.disposition & Disposition.attached_pic), None)
        self.audio = next(iter(container.streams.audio), None)
        self.pictures: deque[tuple[float, av.VideoFrame]] = deque()
        self.blocks: deque[tuple[float, bytes]] = deque()
        self.reached: dict[Kind, float] = dict.fromkeys(self.kinds, 0.0)  # how far each kind is read
        unpackers = {Kind.AUDIO: unpacker_of(self.audio), Kind.VIDEO: unpacker_of(self.video)}
        self._unpackers = {kind: unpacker for kind, unpacker in unpackers.items() if unpacker is not None}
        self.coded = {kind: unpacker.coding for kind, unpacker in self._unpackers.items()}
        self.units: dict[Kind, deque[tuple[float, Unit]]] = {kind: deque() for kind in self.coded}
        self._decoders = {stream.index: Decoder(_decode, _flush(stream)) for stream in self._streams}
        self._loop = loop
        self._start = (container.start_time or 0) / av.time_base
        self._offset = 0.0  # where the present round began
        self._pictures = PictureConverter(owned=True)
        self._sound = SoundConverter()
        self._cutter = Blocks()
        self._packets = container.demux(self._streams)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What it holds."""
        found = {Kind.AUDIO: self.audio, Kind.VIDEO: self.video}
        return tuple(kind for kind, stream in found.items() if stream is not None)

    @property
    def is_behind(self) -> bool:
        """Whether `catch_up` has something to do."""
        return any(decoder.is_behind for decoder in self._decoders.values())

    def heed(self, demand: Demand) -> None:
        """Decode from now on what is wanted. What cannot be given encoded is always decoded."""
        for stream in self._streams:
            decoder, kind = self._decoders[stream.index], _kind(stream)
            is_wanted = kind in demand.frames or kind not in self._unpackers
            if is_wanted and not decoder.is_on and kind is Kind.AUDIO:
                self._sound, self._cutter = SoundConverter(), Blocks()
            decoder.turn(on=is_wanted)

    def advance(self) -> None:
        """Read one packet. Raises `EOFError` at the end, if it does not loop."""
        packet = next(self._packets, None)
        if packet is None:
            self._rewind()
            return
        is_key = self._unpack(packet)
        self._take(self._decoders[packet.stream.index].take(packet, is_key=is_key))

    def catch_up(self) -> None:
        """Decode some of what nobody wanted when it was read."""
        for decoder in self._decoders.values():
            self._take(decoder.catch_up())

    @property
    def _streams(self) -> list[av.VideoStream | av.AudioStream]:
        return [stream for stream in (self.video, self.audio) if stream is not None]

    def _unpack(self, packet: Packet) -> bool:
        """Keep what goes over the wire; return whether decoding can begin with it."""
        kind = _kind(packet.stream)
        if kind not in self.units or not packet.size:
            return False
        at = self._position(packet, self.reached[kind])
        unit = self._unpackers[kind].unpack(packet) if kind in self._unpackers else None
        self.reached[kind] = max(self.reached[kind], at + self._length(kind, BLOCK if unit is None else unit.samples))
        if unit is None:
            return False
        self.units[kind].append((self._position(packet, at, unit.delay), unit))
        if unit is UNFIT:
            del self._unpackers[kind]
        return unit.is_key

    def _length(self, kind: Kind, samples: int) -> float:
        """Return for how many seconds a picture or a packet of sound stands."""
        if kind is Kind.AUDIO:
            return samples / AUDIO_RATE
        rate = self.video.average_rate if self.video is not None else None
        return float(1 / rate) if rate else _DEFAULT_PERIOD

    def _take(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            if isinstance(frame, av.VideoFrame):
                self._take_picture(frame)
            else:
                self._take_sound(frame)

    def _take_picture(self, frame: av.VideoFrame) -> None:
        at = self._position(frame, self.reached[Kind.VIDEO])
        self.pictures.append((at, self._pictures.convert(frame)))
        self._reach(Kind.VIDEO, at + self._length(Kind.VIDEO, 0))

    def _take_sound(self, frame: av.AudioFrame) -> None:
        at = self._position(frame, self.reached[Kind.AUDIO])
        self._reach(Kind.AUDIO, at + frame.samples / frame.sample_rate)
        self.blocks.extend(self._cutter.push(self._sound.convert(frame), at))

    def _reach(self, kind: Kind, position: float) -> None:
        if kind not in self.units:  # else it is known by the packets
            self.reached[kind] = position

    def _position(self, item: "Frame | Packet", guess: float, delay: float = 0.0) -> float:
        if item.pts is None or item.time_base is None:
            return guess
        return self._offset + max(float(item.pts * Fraction(item.time_base)) + delay - self._start, 0.0)

    def _rewind(self) -> None:
        end = max(self.reached.values())
        if not self._loop or end <= self._offset:  # over, or nothing came of a whole round
            raise EOFError
        self.container.seek(self.container.start_time or 0)
        for decoder in self._decoders.values():
            decoder.begin_anew()
        for unpacker in self._unpackers.values():
            unpacker.begin_anew()
        self._offset = end
        self._packets = self.container.demux(self._streams)


def _kind(stream: object) -> Kind:
    return Kind.VIDEO if isinstance(stream, av.VideoStream) else Kind.AUDIO


def _decode(packet: Packet) -> list[Frame]:
    try:
        return [frame for frame in packet.decode() if isinstance(frame, Frame)]
    except (av.InvalidDataError, EOFError):  # a damaged packet costs its picture, not the playback
        return []


def _flush(stream: av.VideoStream | av.AudioStream) -> Callable[[], None]:
    return stream.codec_context.flush_buffers
