"""One kind of our media on its way to every connection: the seam between capture and aiortc.

A `Fanout` is fed with frames and hands them to one `StubTrack` per connection. aiortc only ever holds stubs: it can
stop them, forget them or read them slowly, and neither the device nor another connection notices.
"""

import asyncio
from collections import deque
from fractions import Fraction

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, VideoFrame

Frame = AudioFrame | VideoFrame
LIMITS = {"audio": 10, "video": 1}  # frames that wait for a slow connection; the oldest go first
BLACK_EVERY = 1.0  # seconds between the black pictures of muted video
OVERLAP = Fraction(1, 2)  # seconds that a source may begin before the end of the one it takes over from


class StubTrack(MediaStreamTrack):
    """What one connection reads: never holds a device, never blocks, never raises when it is stopped."""

    def __init__(self, fanout: "Fanout") -> None:
        super().__init__()
        self.kind = fanout.kind
        self._fanout = fanout
        self._frames: deque[Frame] = deque(maxlen=LIMITS[fanout.kind])
        self._ready = asyncio.Event()
        self.dropped = 0

    def put(self, frame: Frame) -> None:
        """Offer a frame; if the connection is slow, its oldest is dropped."""
        self.dropped += len(self._frames) == self._frames.maxlen
        self._frames.append(frame)
        self._ready.set()

    @property
    def has_frame(self) -> bool:
        """Whether `recv` would return at once."""
        return bool(self._frames)

    async def recv(self) -> Frame:
        """Return the next frame; raises `MediaStreamError` once the track has ended."""
        while not self._frames:
            if self.readyState != "live":
                raise MediaStreamError
            self._ready.clear()
            await self._ready.wait()
        return self._frames.popleft()

    def stop(self) -> None:
        """Stop reading. The source goes on for the others."""
        self._fanout.detach(self)
        super().stop()
        self._frames.clear()
        self._ready.set()


class Fanout:
    """Hands each frame to every connection; a new one starts with the next."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.muted = False
        self.size = (640, 480)  # of the last picture
        self.reached = Fraction(0)  # capture time at which the last frame ends, seconds
        self._tracks: set[StubTrack] = set()
        self._black_at = -BLACK_EVERY  # capture time, seconds

    def attach(self) -> StubTrack:
        """Make the track of one more connection."""
        track = StubTrack(self)
        self._tracks.add(track)
        return track

    def detach(self, track: StubTrack) -> None:
        """Forget a track; unknown ones are ignored."""
        self._tracks.discard(track)

    def push(self, frame: Frame) -> None:
        """Send a frame to everybody; while muted, silence and now and then a black picture in its place.

        Time never goes back a little: where one source takes over from another (a device from the silence that was sent
        in its place), what would be heard twice is dropped.
        """
        if not self._moves_on(frame):
            return
        if self.muted:
            blanked = self._blank(frame)
            if blanked is None:
                return
            frame = blanked
        tracks = tuple(self._tracks)
        for track in tracks[1:]:
            track.put(_duplicate(frame))
        for track in tracks[:1]:
            track.put(frame)

    def close(self) -> None:
        """End every track, so that aiortc's senders end by themselves."""
        for track in tuple(self._tracks):
            track.stop()

    def _moves_on(self, frame: Frame) -> bool:
        """Make this the last frame, unless it begins a little before the end of the one that is."""
        if frame.pts is None or frame.time_base is None:
            return True
        begin, ticks = frame.pts * frame.time_base, frame.samples if isinstance(frame, AudioFrame) else 1
        if begin < self.reached < begin + OVERLAP:
            return False
        self.reached = begin + ticks * frame.time_base
        if isinstance(frame, VideoFrame):
            self.size = (frame.width, frame.height)
        return True

    def _blank(self, frame: Frame) -> Frame | None:
        if isinstance(frame, AudioFrame):
            return _timed(silence(frame), frame)
        captured = float(frame.pts * frame.time_base) if frame.pts is not None and frame.time_base else 0.0
        if 0 <= captured - self._black_at < BLACK_EVERY:
            return None
        self._black_at = captured
        return _timed(black(frame.width, frame.height), frame)


def black(width: int, height: int) -> VideoFrame:
    """Return a black yuv420p picture."""
    planes = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
    planes[:height] = 16
    return VideoFrame.from_ndarray(planes, format="yuv420p")


def silence(like: AudioFrame) -> AudioFrame:
    """Return silence of the same length and layout (packed s16)."""
    samples = np.zeros((1, like.samples * like.layout.nb_channels), dtype=np.int16)
    frame = AudioFrame.from_ndarray(samples, format="s16", layout=like.layout.name)
    frame.sample_rate = like.sample_rate
    return frame


def _duplicate(frame: Frame) -> Frame:
    """Return a picture of its own: aiortc's encoders mark the frame that they encode, in threads of their own."""
    if isinstance(frame, AudioFrame):
        return frame
    return _timed(VideoFrame.from_ndarray(frame.to_ndarray(), format=frame.format.name), frame)


def _timed(frame: Frame, like: Frame) -> Frame:
    frame.pts, frame.time_base = like.pts, like.time_base
    return frame
