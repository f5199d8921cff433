"""What we send, once for all: the publisher's handle, and one connection while there is something to send."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from peer.media.fanout import Fanout
from peer.media.inbound_stats import CandidatePairStats
from peer.topology.janus.breaks import Breaks
from peer.topology.janus.line import Line, LineFailure, Ways
from signaling.janus.failures import JanusFailure, SessionOver
from signaling.janus.protocol import Candidate, Jsep
from signaling.janus.session import Handle
from signaling.janus.videoroom import Publish, Unpublish, VideoCodec

LINGER = 3.0  # seconds that we stay a publisher with nothing to send: another source may be on its way
HANGUP_LIMIT = 2.0  # seconds for Janus to end its side of a connection
RETRY_MIN, RETRY_MAX = 0.5, 8.0  # seconds before we publish again after a failure, doubling
CODECS: dict[str, VideoCodec] = {"H264": "h264", "VP8": "vp8"}
log = logging.getLogger(__name__)


class Uplink:
    """Publishes what `outgoing` gives, while we may and there is something to send. `run` ends with the session."""

    def __init__(
        self,
        name: str,
        handle: Handle,
        ways: Ways,
        outgoing: Mapping[str, Fanout],
        *,
        may_send: Callable[[], bool],
        has_something: Callable[[], bool],
    ) -> None:
        self._name, self._handle, self._ways, self._outgoing = name, handle, ways, outgoing
        self._may_send, self._has_something = may_send, has_something
        self._loop = asyncio.get_running_loop()
        self._line: Line | None = None
        self._broken: str | None = None
        self._hung_up = asyncio.Event()
        self._changed = asyncio.Event()

    def pair(self) -> CandidatePairStats | None:
        """Return the way that packets go; None if there is no connection."""
        return None if self._line is None else self._line.pair()

    def look(self) -> None:
        """Something may be wanted, or no longer."""
        self._changed.set()

    def hung_up(self, reason: str) -> None:
        """Janus has ended its side."""
        self._hung_up.set()
        self._break(f"Janus has hung up: {reason}")

    def trickled(self, candidate: Candidate) -> None:
        """Take one of Janus' candidates."""
        if self._line is not None:
            self._line.trickled(candidate)

    async def run(self) -> None:
        """Publish whenever that is wanted. Raises `SessionOver`."""
        breaks = Breaks(RETRY_MIN, RETRY_MAX)
        while True:
            while not (self._may_send() and self._has_something()):
                self._changed.clear()
                await self._changed.wait()
            began = self._loop.time()
            try:
                await self._publish()
                await self._end()
            except SessionOver:
                raise
            except JanusFailure as error:
                log.info("%s: sends nothing for now: %s", self._name, error)
                wait = breaks.after(self._loop.time() - began)
                await self._end()
                await asyncio.sleep(wait)
            finally:
                self._close()

    async def _publish(self) -> None:
        """Publish until that is not wanted any more. Raises `JanusFailure`."""
        self._broken = None
        self._hung_up.clear()
        line = self._line = Line(f"{self._name} up", self._ways, outgoing=self._outgoing, on_broken=self._break)
        offer = Jsep("offer", await line.offer())
        answer = await self._handle.ask(Publish(videocodec=self._codec), offer)
        if answer.jsep is None:
            raise LineFailure("Janus answers without a description")
        await line.accept(answer.jsep.sdp)
        line.agreed()
        while self._broken is None:
            if await self._is_unwanted_for_long():
                return
        raise LineFailure(self._broken)

    async def _is_unwanted_for_long(self) -> bool:
        """Return what is so after the next change, or `LINGER` seconds without anything to send."""
        if not self._may_send():
            return True
        self._changed.clear()
        try:
            async with asyncio.timeout(None if self._has_something() else LINGER):
                await self._changed.wait()
        except TimeoutError:
            return True
        return False

    async def _end(self) -> None:
        """Be no publisher any more, as far as Janus can be told; without that it takes no other offer."""
        self._close()
        try:
            await self._handle.ask(Unpublish())
            async with asyncio.timeout(HANGUP_LIMIT):
                await self._hung_up.wait()
        except SessionOver:
            raise
        except (JanusFailure, TimeoutError) as error:
            log.debug("%s: unpublishing: %r", self._name, error)

    @property
    def _codec(self) -> VideoCodec | None:
        """The codec of the picture that a program has asked for; all who watch get the same."""
        video = self._outgoing.get("video")
        return None if video is None else CODECS.get(video.audience.sending.codec)

    def _close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _break(self, text: str) -> None:
        self._broken = text
        self._changed.set()
