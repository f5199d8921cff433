"""One kind of our media on its way to every connection: the seam between capture and aiortc.

A `Fanout` is fed with frames. It has them encoded once for its audience, and hands them as they are to one `StubTrack`
per connection that takes none of our codecs. aiortc only ever holds stubs: it can stop them, forget them or read them
slowly, and neither the device nor another connection notices.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, VideoFrame

from peer.capture.clock import VIDEO_RATE
from peer.capture.coded import Coded, Coding
from peer.media.audience import Audience, Listeners
from peer.media.blank import Frame, black, duplicate, silence, timed
from peer.media.sending import Sending
from peer.media.watchers import Watchers

ENDING_POLL = 0.002  # seconds
LIMITS = {"audio": 10, "video": 1}  # frames that wait for a slow connection; the oldest go first
BLACK_EVERY = 1.0  # seconds between the black pictures of muted video
OVERLAP = 0.5  # seconds that a source may begin before the end of the one it takes over from
ROUNDING = 0.001  # seconds by which one frame's end and the next one's beginning may differ for nothing


class StubTrack(MediaStreamTrack):
    """What one connection reads: never holds a device, never blocks, never raises when it is stopped."""

    def __init__(self, fanout: "Fanout") -> None:
        super().__init__()
        self.kind = fanout.kind
        self._fanout = fanout
        self._frames: deque[Frame] = deque(maxlen=LIMITS[fanout.kind])
        self._ready = asyncio.Event()
        self._home = asyncio.get_running_loop()
        self.is_read = False  # whoever is served by an encoder of ours never reads it, nor who takes nothing at all
        self.dropped = 0

    def put(self, frame: Frame) -> None:
        """Offer a frame, from any thread; if the connection is slow, its oldest is dropped.

        It is shared with all others until it is read: of all tracks, few ever are.
        """
        self.dropped += len(self._frames) == self._frames.maxlen
        self._frames.append(frame)
        if self.readyState != "live":  # stopped meanwhile: nobody reads it, and nobody else lets go of it
            self._frames.clear()
        with suppress(RuntimeError):  # the loop is closed
            self._home.call_soon_threadsafe(self._ready.set)

    @property
    def has_frame(self) -> bool:
        """Whether `recv` would return at once."""
        return bool(self._frames)

    async def recv(self) -> Frame:
        """Return the next frame, a picture in memory of its own; raises `MediaStreamError` once the track has ended."""
        if not self.is_read:
            self.is_read = True
            self._fanout.review()
        while not self._frames:
            if self.readyState != "live":
                raise MediaStreamError
            self._ready.clear()
            await self._ready.wait()
        frame = self._frames.popleft()
        return duplicate(frame) if isinstance(frame, VideoFrame) else frame

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
        self.audience: Audience[Any] = Watchers() if kind == "video" else Listeners()
        self.audience.changed = self.review
        self._muted = False
        self._need: Callable[[bool], None] | None = None  # tells whoever decodes whether frames are needed
        self._is_needed = False
        self.size = (640, 480)  # of the last picture
        self.reached = 0.0  # capture time at which the last frame ends, seconds
        self._tracks: tuple[StubTrack, ...] = ()
        self._lock = threading.Lock()  # of what passes: two sources may take turns, in threads of their own
        self._black_at = -BLACK_EVERY  # capture time, seconds

    @property
    def muted(self) -> bool:
        """Whether silence and black are sent in the place of what is pushed."""
        return self._muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._muted = muted
        self.audience.mute(is_muted=muted)

    def attach(self) -> StubTrack:
        """Make the track of one more connection."""
        track = StubTrack(self)
        self._tracks = (*self._tracks, track)
        return track

    def detach(self, track: StubTrack) -> None:
        """Forget a track; unknown ones are ignored."""
        self._tracks = tuple(other for other in self._tracks if other is not track)
        self.review()

    def push(self, frame: Frame) -> None:
        """Send a frame to everybody, from any thread; while muted, silence, or a black picture now and then.

        Time never goes back a little: where one source takes over from another (a device from the silence that was sent
        in its place), what would be heard twice is dropped.
        """
        with self._lock:
            passing = self._passing(frame)
        if passing is not None:
            self._hand_out(passing)

    def push_coded(self, coded: Coded) -> None:
        """Send what is encoded already to those who get it as it is, from any thread; while muted, to nobody."""
        if self._muted:
            return
        if self.kind == "video":
            with self._lock:
                self.reached = max(self.reached, coded.stamp / VIDEO_RATE)
        self.audience.push_coded(coded)

    def offer(self, coding: Coding | None, need: Callable[[bool], None] | None = None) -> None:
        """Have the next source's own encoding passed on to those whom it fits; None: there is none any more.

        `need` is told whether frames are needed besides, at once and whenever that changes. On the event loop.
        """
        self._need, self._is_needed = need, False
        if coding is not None and self.kind == "video":
            self.size = (coding.width & ~1, coding.height & ~1)
        self.audience.offer(coding)
        self.review()

    def review(self) -> None:
        """Look whether frames are needed; tell whoever decodes, if that has changed."""
        is_needed = any(track.is_read for track in self._tracks) or self.audience.needs_frames
        if self._need is None or is_needed is self._is_needed:
            return
        self._is_needed = is_needed
        self._need(is_needed)
        if not is_needed:
            self.audience.forget()

    def _passing(self, frame: Frame) -> Frame | None:
        if not self._moves_on(frame):
            return None
        if self.muted:
            return self._blank(frame)
        self._black_at = -BLACK_EVERY  # the next time that we are muted it is black at once
        return frame

    def _hand_out(self, frame: Frame) -> None:
        for track in self._tracks:
            track.put(frame)
        self.audience.push(frame)

    def begin(self, sending: Sending) -> None:
        """Encode what is pushed from now on like this."""
        self.audience.begin(sending)

    def rest(self) -> None:
        """Nothing is pushed for now: no encoder needs to run."""
        self.audience.rest()

    def close(self) -> None:
        """End every track and every encoder, so that aiortc's senders end by themselves."""
        self.audience.rest()
        for track in self._tracks:
            track.stop()

    async def wait_until_ended(self, limit: float) -> None:
        """Wait until no encoder's thread runs, up to `limit` seconds; only after `close`."""
        deadline = asyncio.get_running_loop().time() + limit
        while not self.audience.has_ended and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(ENDING_POLL)  # a thread tells nobody of its end

    def _moves_on(self, frame: Frame) -> bool:
        """Make this the last frame, unless it begins a little before the end of the one that is."""
        begin = frame.time
        if begin is None:
            return True
        if begin + ROUNDING < self.reached < begin + OVERLAP:
            return False
        self.reached = begin + (frame.samples / frame.sample_rate if isinstance(frame, AudioFrame) else 0.0)
        if isinstance(frame, VideoFrame):
            self.size = (frame.width, frame.height)
        return True

    def _blank(self, frame: Frame) -> Frame | None:
        if isinstance(frame, AudioFrame):
            return timed(silence(frame), frame)
        captured = frame.time or 0.0
        if 0 <= captured - self._black_at < BLACK_EVERY:
            return None
        self._black_at = captured
        return timed(black(frame.width, frame.height), frame)
