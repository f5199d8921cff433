"""One kind of one sender on its way to others: published as soon as it comes, and asked for key frames when needed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from peer.capture.coded import Coding
from peer.capture.source import Kind
from peer.errors import ExeuntError
from peer.gateways.relayed import Relayed
from peer.media.encoded import EncodedFrame
from peer.media.keyframes import KeyFrames
from peer.media.receive import RemoteMedia
from peer.recording.coded import picture_dimensions

log = logging.getLogger(__name__)


class Relay:
    """Passes on what `media` receives, from the first frame that can be decoded until `close`.

    `publish` gets the source of it, once; `close` ends the feeding and leaves the source to whoever published it.
    """

    def __init__(self, media: RemoteMedia, label: str, publish: Callable[[Relayed], Awaitable[object]]) -> None:
        self._media, self._label, self._publish = media, label, publish
        self._loop = asyncio.get_running_loop()
        self._keys = KeyFrames()
        self._timer: asyncio.TimerHandle | None = None
        self._publishing: asyncio.Task[None] | None = None
        self._is_closed = False
        self.source: Relayed | None = None  # since something came
        self._end = media.tap(self._take)

    def close(self) -> None:
        """Pass on nothing more. May be called twice."""
        self._is_closed = True
        self._end()
        self._disarm()

    async def wait_published(self) -> None:
        """Wait until a publishing that is under way has come to its end; only after `close`."""
        if self._publishing is not None:
            await asyncio.wait({self._publishing})

    def ask(self) -> None:
        """Have the sender asked, until it is sent, for a picture that needs no other. From any thread."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._wanted)

    def _take(self, frame: EncodedFrame) -> None:
        if frame.is_key and frame.kind == "video":
            self._keys.sent(self._loop.time())
            self._disarm()
        if self.source is None:
            self.source = self._begin(frame)
        if self.source is not None:
            self.source.feed(frame)

    def _begin(self, first: EncodedFrame) -> Relayed | None:
        """Publish what begins with this frame; None if nothing can."""
        kind, name = Kind(first.kind), first.codec.upper()
        if kind is Kind.AUDIO:
            coding = Coding(name)
        elif first.is_key and (size := picture_dimensions(first.codec, first.payload)) is not None:
            coding = Coding(name, *size, ask_for_key=self.ask)
        else:
            self._wanted()
            return None
        source = Relayed(f"{kind} of {self._label}", kind, coding, self.ask)
        self._publishing = asyncio.create_task(self._offer(source), name=f"publish {source.label}")
        return source

    async def _offer(self, source: Relayed) -> None:
        try:
            await self._publish(source)
        except ExeuntError as error:
            log.debug("the %s is not passed on: %s", source.label, error)

    def _wanted(self) -> None:
        if self._is_closed:
            return
        self._keys.joined(self._loop.time())
        self._look()

    def _look(self) -> None:
        """Ask if it is time to; what is asked and does not come is asked again."""
        if self._keys.is_due(self._loop.time()):
            self._media.request_key_frame()
            self._keys.begun(self._loop.time())
        self._disarm()
        due = self._keys.next_deadline()
        self._timer = None if due is None else self._loop.call_at(due, self._look)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
