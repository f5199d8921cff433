"""Files and URLs, played at their own pace."""

import math
import threading
from collections.abc import Sequence

import av
from av.container import InputContainer

from peer.capture.clock import AudioClock, Playback, VideoClock
from peer.capture.coded import Coded
from peer.capture.convert import block_frame, stamp_picture
from peer.capture.failures import open_failure
from peer.capture.format import Opened
from peer.capture.input import Demand, Frame, Input, capture_time, closed_on_error
from peer.capture.source import File, Kind
from peer.capture.tape import Tape
from peer.capture.unpacking import Unit
from peer.errors import DeviceFailed

URL_LIMIT = 5.0  # seconds without data after which a URL has failed
LOOKAHEAD = 0.04, 0.04  # seconds decoded ahead: at least, at most
SOUND_LOOKAHEAD = 0.1, 0.5  # the same, where there are no pictures
MAX_SPREAD = 1.0  # seconds one kind is decoded ahead of another, which then counts as interrupted
MAX_DELAY = 0.05  # seconds
MOST_WAITING = 2  # pictures that are due and not handed out


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


class FileInput(Input):
    """A file that is open and plays from its first reading on."""

    is_live = False

    def __init__(self, file: File, container: InputContainer, stop: threading.Event) -> None:
        self._tape = Tape(container, loop=file.loop)
        self._stop = stop
        self._playback: Playback | None = None
        self._video_clock, self._audio_clock = VideoClock(), AudioClock()
        self._coded_video_clock, self._coded_audio_clock = VideoClock(), AudioClock()
        self._is_over = False
        self._heeded: Demand | None = None  # whose wishes the tape knows
        self.kinds, self.coded = self._tape.kinds, self._tape.coded
        self.form = _form(self._tape)
        self._decode_until(0.0)
        if not self._tape.pictures and not self._tape.blocks:
            raise DeviceFailed(f"The {file.label} holds neither pictures nor sound: name another.")

    def read(self) -> Sequence[Frame | Coded]:
        """Return what is due; if nothing is, make ready what comes next."""
        self._heed()
        now = capture_time()
        playback = self._playback = self._playback or Playback(now)
        items = self._take(playback, now)
        if not items:
            self._read_ahead(playback.position(now))
            items = self._take(playback, now)
            if self._is_over and not items and self._head() is None:
                raise EOFError
        return items

    def delay(self) -> float:
        """Wait until the next frame is due."""
        head = self._head()
        if head is None or self._playback is None or self._tape.is_behind:
            return 0.0
        return min(max(self._playback.moment(head) - capture_time(), 0.0), MAX_DELAY)

    def close(self) -> None:
        """Close the file."""
        self._tape.container.close()

    def _heed(self) -> None:
        if self.demand is not self._heeded:
            self._tape.heed(self.demand)
            self._heeded = self.demand
        if self._tape.is_behind:
            self._tape.catch_up()

    def _take(self, playback: Playback, now: float) -> Sequence[Frame | Coded]:
        """Return what is due at `now`."""
        head = self._head()
        if head is None:
            return ()
        playback.catch_up(head, now)
        position = playback.position(now)
        return () if head > position else [*self._coded_due(playback, position), *self._due(playback, position)]

    def _read_ahead(self, position: float) -> None:
        """Decode a little more than is due; of sound alone, which is small, much at once."""
        least, most = LOOKAHEAD if Kind.VIDEO in self.kinds else SOUND_LOOKAHEAD
        if min(self._tape.reached.values(), default=position) <= position + least:
            self._decode_until(position + most, due=position)

    def _head(self) -> float | None:
        tape = self._tape
        heads = [queue[0][0] for queue in (tape.pictures, tape.blocks) if queue]
        heads += [queue[0][0] for queue in tape.units.values() if queue]
        return min(heads, default=None)

    def _decode_until(self, position: float, due: float = -math.inf) -> None:
        """Decode until every kind has reached `position`, unless one of them is missing for a while.

        It ends sooner when several pictures wait that are `due`: whoever is late has many to make up for, and decoded
        all at once they would take memory, 1.4 MB each, that fragments and is never given back.
        """
        reached = self._tape.reached
        while not self._is_over and not self._stop.is_set() and reached:
            if min(reached.values()) > position or max(reached.values()) > position + MAX_SPREAD:
                return
            if len(self._tape.pictures) >= MOST_WAITING and self._tape.pictures[MOST_WAITING - 1][0] <= due:
                return
            self._advance()
        self._is_over = self._is_over or not reached

    def _advance(self) -> None:
        try:
            self._tape.advance()
        except EOFError:
            self._is_over = True

    def _coded_due(self, playback: Playback, position: float) -> list[Coded]:
        items: list[Coded] = []
        for kind, queue in self._tape.units.items():
            while queue and queue[0][0] <= position:
                at, unit = queue.popleft()
                items += _stamped(kind, unit, self._coded_stamp(kind, playback.moment(at), unit))
        return items if self.demand.coded else []

    def _coded_stamp(self, kind: Kind, at: float, unit: Unit) -> int | None:
        if kind is Kind.AUDIO:
            return self._coded_audio_clock.stamp(at, unit.samples)
        return self._coded_video_clock.stamp(at)

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


def _stamped(kind: Kind, unit: Unit, stamp: int | None) -> list[Coded]:
    return [] if stamp is None else [Coded(kind, unit.bitstream, stamp, unit.is_key)]


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
