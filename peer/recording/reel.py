"""One file in the making: which frames go into it, as which track, when. Pure: what has to be written comes out.

A picture begins with a key frame, and begins anew with one after something was lost for good: until then the last one
stands. A user who comes back continues their track. A track that changes its codec needs another file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from peer.media.encoded import EncodedFrame
from peer.recording.coded import Coder, coder_of, picture_dimensions
from peer.recording.form import Container, Form, HeaderFull, Sample
from peer.recording.timeline import Timeline

LAST_FRAME = {"video": 1 / 30, "audio": 0.02}  # seconds that the last frame of a track lasts


@dataclass(frozen=True, slots=True)
class Patch:
    """Bytes, and where in the file they go."""

    offset: int
    content: bytes


@dataclass(frozen=True, slots=True)
class TrackLength:
    """How far one track has come."""

    user: str
    kind: str  # "video", "audio"
    codec: str  # "vp8", "h264", "opus"
    width: int  # pixels of the newest key frame; of sound 0
    height: int
    seconds: float  # from the track's first frame to its last
    frames: int
    bytes: int


class _Track:
    def __init__(self, number: int, user: str, coder: Coder) -> None:
        self.number, self.user, self.coder = number, user, coder
        self.form = coder.form  # completed by the first frame
        self.size = (coder.form.width, coder.form.height)
        self.timeline = Timeline(coder.form.rate)
        self.waits_for_key = False
        self.frames = self.bytes = 0
        self.first: int | None = None  # ticks
        self.last = 0
        self._waiting: list[EncodedFrame] = []  # not placed yet; the payload as it is written

    def take(self, frame: EncodedFrame) -> bool:
        """Take in a frame. Says whether there is something in it to show."""
        self.waits_for_key = (self.waits_for_key or frame.follows_gap) and not frame.is_key
        payload = b"" if self.waits_for_key else self.coder.convert(frame.payload)
        if not payload:
            return False
        if frame.is_key and frame.kind == "video":
            self.size = picture_dimensions(frame.codec, frame.payload) or self.size
        self._waiting.append(replace(frame, payload=payload))
        return True

    def samples(self, origin: float) -> Iterator[Sample]:
        """Give what waits as samples: at the beginning, the first frames are placed by what is known at the last."""
        frames, self._waiting = self._waiting, []
        if frames:
            self.timeline.begin(frames[-1].timestamp, frames[-1].time - origin)
        for frame in frames:
            if not self._is_too_early(frame, origin):
                yield self._sample(frame, origin)

    def _is_too_early(self, frame: EncodedFrame, origin: float) -> bool:
        """Whether this is sound of before the first picture; pictures of then are shown at the beginning."""
        if self.first is not None or frame.kind == "video":
            return False
        return self.timeline.follow(frame.timestamp, frame.time - origin) < 0

    def _sample(self, frame: EncodedFrame, origin: float) -> Sample:
        self.last = self.timeline.place(frame.timestamp, frame.time - origin)
        if self.first is None:
            self.first, self.form = self.last, replace(self.form, begins=self.last)
        self.frames += 1
        self.bytes += len(frame.payload)
        return Sample(self.number, self.last, frame.payload, frame.is_key)

    @property
    def ends(self) -> float:
        """Seconds of the file at which its last frame ends."""
        return self.last / self.form.rate + LAST_FRAME[self.form.kind]

    def length(self) -> TrackLength:
        """Say how far it has come."""
        seconds = self.ends - (self.first or 0) / self.form.rate
        return TrackLength(
            self.user, self.form.kind, self.form.codec, *self.size, round(seconds, 3), self.frames, self.bytes
        )


class Reel:
    """One file of a container."""

    def __init__(self, container: Container) -> None:
        self.length = 0  # bytes that were handed out to be written
        self._container = container
        self._tracks: dict[tuple[str, str], _Track] = {}  # by user and kind
        self._has_more = False  # than is written
        self._origin: float | None = None
        self._head = b""

    @property
    def has_begun(self) -> bool:
        """Whether there is anything to write, or was."""
        return bool(self._head) or self._has_more

    @property
    def seconds(self) -> float:
        """How long the file is."""
        return max((track.ends for track in self._tracks.values()), default=0.0)

    def tracks(self) -> tuple[TrackLength, ...]:
        """Say how far each track has come."""
        return tuple(track.length() for track in self._tracks.values())

    def take(self, user: str, frame: EncodedFrame) -> bool:
        """Take in a frame of a user; frames that nobody could show are passed over. False: it needs another file."""
        track = self._tracks.get((user, frame.kind))
        if track is None:
            if not frame.is_key or (coder := coder_of(frame.codec, frame.payload, user)) is None:
                return True
            if not self._has_room(coder.form):
                return False
            track = self._tracks[user, frame.kind] = _Track(len(self._tracks), user, coder)
        elif track.form.codec != frame.codec:
            return not frame.is_key
        self._origin = frame.time if self._origin is None else self._origin
        self._has_more = track.take(frame) or self._has_more
        return True

    def flush(self) -> list[Patch]:
        """Return what has to be written now: what came since the last time, then what the head says of it."""
        samples = self._samples()
        if not samples:
            return []
        patches = self._begin()
        part = self._container.part(samples, self._forms, self.length)
        return [*patches, *self._append(part), *self._correct()]

    def finish(self) -> list[Patch]:
        """Return what has to be written at last. Nothing if the file never began."""
        if not self.has_begun:
            return []
        patches = self.flush()
        tail = self._container.tail(self._forms, self.length)
        return [*patches, *self._append(tail), *self._correct(is_over=True)]

    @property
    def _forms(self) -> Sequence[Form]:
        return [track.form for track in self._tracks.values()]

    def _samples(self) -> list[Sample]:
        self._has_more = False
        origin = self._origin or 0.0
        return [sample for track in self._tracks.values() for sample in track.samples(origin)]

    def _begin(self) -> list[Patch]:
        """Return the head, the first time."""
        if self._head:
            return []
        self._head = self._container.head(self._forms, 0.0)
        return self._append(self._head)

    def _append(self, content: bytes) -> list[Patch]:
        at = self.length
        self.length += len(content)
        return [Patch(at, content)] if content else []

    def _correct(self, *, is_over: bool = False) -> list[Patch]:
        """Return the change of the head, which is always as long as it was."""
        head = self._container.head(self._forms, self.seconds, length=self.length if is_over else None)
        former, self._head = self._head, head
        return difference(former, head)

    def _has_room(self, form: Form) -> bool:
        try:
            self._container.head([*self._forms, form], 0.0)
        except HeaderFull:
            return False
        return True


def difference(former: bytes, new: bytes) -> list[Patch]:
    """Return what makes one text of bytes into another of the same length: at most one change."""
    assert len(former) == len(new), (len(former), len(new))
    changed = [at for at, (old, fresh) in enumerate(zip(former, new, strict=True)) if old != fresh]
    return [Patch(changed[0], new[changed[0] : changed[-1] + 1])] if changed else []
