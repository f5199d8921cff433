"""Files and URLs, played at their own pace."""

import threading
from collections import deque
from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

from peer.capture.clock import AudioClock, Playback, VideoClock
from peer.capture.convert import Blocks, PictureConverter, SoundConverter, block_frame, stamp_picture
from peer.capture.failures import open_failure
from peer.capture.format import Opened
from peer.capture.input import Frame, Input, capture_time, closed_on_error
from peer.capture.source import File, Kind
from peer.errors import DeviceFailed

URL_LIMIT = 5.0  # seconds without data after which a URL has failed
LOOKAHEAD = 0.1  # seconds decoded ahead
MAX_SPREAD = 1.0  # seconds one kind is decoded ahead of another, which then counts as interrupted
MAX_DELAY = 0.05  # seconds
_DEFAULT_PERIOD = 1 / 30  # seconds, of a picture without a duration


def open_file(file: File, stop: threading.Event) -> Input:
    """Open a file or URL. Raises `DeviceError`."""
    limit = URL_LIMIT if file.is_url else None
    try:
        with closed_on_error(av.open(str(file.path), timeout=limit)) as container:
            return FileInput(file, container, stop)
    except (av.FFmpegError, OSError) as error:
        raise open_failure(file, error.errno or 0) from None
    except ValueError as error:
        raise DeviceFailed(f"The {file.label} cannot be played: {error}.") from None


class Tape:
    """Decodes a container into pictures and blocks of sound with their time on one line that loops do not break."""

    def __init__(self, container: InputContainer, *, loop: bool) -> None:
        self.container = container
        self.video = next((s for s in container.streams.video if not s.disposition & Disposition.attached_pic), None)
        self.audio = next(iter(container.streams.audio), None)
        self.pictures: deque[tuple[float, av.VideoFrame]] = deque()
        self.blocks: deque[tuple[float, bytes]] = deque()
        self.reached: dict[Kind, float] = dict.fromkeys(self.kinds, 0.0)  # how far each kind is decoded
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

    def advance(self) -> None:
        """Decode one packet. Raises `EOFError` at the end, if it does not loop."""
        packet = next(self._packets, None)
        if packet is None:
            self._rewind()
            return
        for frame in _decode(packet):
            if isinstance(frame, av.VideoFrame):
                self._take_picture(frame)
            elif isinstance(frame, av.AudioFrame):
                self._take_sound(frame)

    @property
    def _streams(self) -> list[av.VideoStream | av.AudioStream]:
        return [stream for stream in (self.video, self.audio) if stream is not None]

    def _take_picture(self, frame: av.VideoFrame) -> None:
        at = self._position(frame, self.reached[Kind.VIDEO])
        self.pictures.append((at, self._pictures.convert(frame)))
        rate = self.video.average_rate if self.video is not None else None
        self.reached[Kind.VIDEO] = at + (float(1 / rate) if rate else _DEFAULT_PERIOD)

    def _take_sound(self, frame: av.AudioFrame) -> None:
        at = self._position(frame, self.reached[Kind.AUDIO])
        self.reached[Kind.AUDIO] = at + frame.samples / frame.sample_rate
        self.blocks.extend(self._cutter.push(self._sound.convert(frame), at))

    def _position(self, frame: av.VideoFrame | av.AudioFrame, guess: float) -> float:
        if frame.pts is None or frame.time_base is None:
            return guess
        return self._offset + max(float(frame.pts * Fraction(frame.time_base)) - self._start, 0.0)

    def _rewind(self) -> None:
        end = max(self.reached.values())
        if not self._loop or end <= self._offset:  # over, or nothing came of a whole round
            raise EOFError
        self.container.seek(self.container.start_time or 0)
        self._offset = end
        self._packets = self.container.demux(self._streams)


class FileInput(Input):
    """A file that is open and plays from its first reading on."""

    is_live = False

    def __init__(self, file: File, container: InputContainer, stop: threading.Event) -> None:
        self._tape = Tape(container, loop=file.loop)
        self._stop = stop
        self._playback: Playback | None = None
        self._video_clock = VideoClock()
        self._audio_clock = AudioClock()
        self._is_over = False
        self.kinds = self._tape.kinds
        self.form = _form(self._tape)
        self._decode_until(0.0)
        if not self._tape.pictures and not self._tape.blocks:
            raise DeviceFailed(f"The {file.label} holds neither pictures nor sound: name another.")

    def read(self) -> list[Frame]:
        """Return what is due."""
        now = capture_time()
        playback = self._playback = self._playback or Playback(now)
        head = self._head()
        if head is not None:
            playback.catch_up(head, now)
        self._decode_until(playback.position(now) + LOOKAHEAD)
        frames = self._due(playback, playback.position(now))
        if self._is_over and not frames and self._head() is None:
            raise EOFError
        return frames

    def delay(self) -> float:
        """Wait until the next frame is due."""
        head = self._head()
        if head is None or self._playback is None:
            return 0.0
        return min(max(self._playback.moment(head) - capture_time(), 0.0), MAX_DELAY)

    def close(self) -> None:
        """Close the file."""
        self._tape.container.close()

    def _head(self) -> float | None:
        return min((queue[0][0] for queue in (self._tape.pictures, self._tape.blocks) if queue), default=None)

    def _decode_until(self, position: float) -> None:
        """Decode until every kind has reached `position`, unless one of them is missing for a while."""
        reached = self._tape.reached
        while not self._is_over and not self._stop.is_set() and reached:
            if min(reached.values()) > position or max(reached.values()) > position + MAX_SPREAD:
                return
            self._advance()
        self._is_over = self._is_over or not reached

    def _advance(self) -> None:
        try:
            self._tape.advance()
        except EOFError:
            self._is_over = True

    def _due(self, playback: Playback, position: float) -> list[Frame]:
        frames: list[Frame] = []
        while self._tape.pictures and self._tape.pictures[0][0] <= position:
            at, picture = self._tape.pictures.popleft()
            frames.append(stamp_picture(picture, self._video_clock.stamp(playback.moment(at))))
        while self._tape.blocks and self._tape.blocks[0][0] <= position:
            at, block = self._tape.blocks.popleft()
            stamp = self._audio_clock.stamp(playback.moment(at))
            frames.extend([block_frame(block, stamp)] if stamp is not None else [])
        return frames


def _decode(packet: "av.Packet[Stream]") -> list[object]:
    try:
        return list(packet.decode())
    except (av.InvalidDataError, EOFError):  # a damaged packet costs its picture, not the playback
        return []


def _form(tape: Tape) -> Opened:
    video, audio = tape.video, tape.audio
    return Opened(
        width=video.width if video else None,
        height=video.height if video else None,
        fps=round(float(video.average_rate), 3) if video and video.average_rate else None,
        coding=video.codec_context.name if video else None,
        rate=audio.rate if audio else None,
        channels=audio.channels if audio else None,
        sound_coding=audio.codec_context.name if audio else None,
    )
