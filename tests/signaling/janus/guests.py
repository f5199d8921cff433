"""A peer's part of a Janus room, without media: it comes in with what our server told it, and hears what Janus says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from signaling.janus.asking import ask
from signaling.janus.failures import Code, JanusRefused
from signaling.janus.hosting import Participant, Present
from signaling.janus.protocol import Event, HandleWord, Jsep
from signaling.janus.session import Handle, JanusSession
from signaling.janus.videoroom import (
    Ask,
    Destroyed,
    Happened,
    ListParticipants,
    Publish,
    come_in,
    decode,
)
from signaling.messages import Janus, janus_id

PATIENCE = 30.0  # seconds
NOT_YET = (Code.NO_SUCH_ROOM, Code.UNAUTHORIZED, Code.ID_EXISTS)  # the last: as peers, see peer/topology/janus/stay.py


STAYS = count(1)


class Guest:
    """One session with the Janus of a placement."""

    def __init__(self, media: Janus, session: JanusSession) -> None:
        self.media = media
        self.is_out = asyncio.Event()
        self._session = session
        self._handle: Handle | None = None

    async def come_in(self, session: str) -> None:
        """Be a publisher there, as soon as we are let in. Raises `JanusRefused`."""
        await self.insist(come_in(self.media, session, next(STAYS)))

    async def insist(self, request: Ask) -> None:
        """Come in by this request, as soon as it is let in. Raises `JanusRefused`.

        Janus says that somebody is removed, or that their session is over, a moment before their id is free.
        """
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await self.say(request)
                except JanusRefused as error:
                    if error.code not in NOT_YET:
                        raise
                await asyncio.sleep(0.05)

    async def try_in(self, session: str) -> None:
        """Be a publisher there. Raises `JanusRefused`."""
        await self.say(come_in(self.media, session, next(STAYS)))

    async def say(self, request: Ask) -> None:
        """Say that to the VideoRooms there. Raises `JanusRefused`."""
        if self._handle is None or self.is_out.is_set():
            self.is_out.clear()
            self._handle = await self._session.attach(self._heard)
        await self._handle.ask(request)

    async def publish(self) -> None:
        """Send silence until we are out."""
        assert self._handle is not None
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        try:
            pc.addTrack(AudioStreamTrack())
            await pc.setLocalDescription(await pc.createOffer())
            answer = await self._handle.ask(Publish(), Jsep("offer", pc.localDescription.sdp))
            assert answer.jsep is not None
            await pc.setRemoteDescription(RTCSessionDescription(answer.jsep.sdp, "answer"))
            async with asyncio.timeout(PATIENCE):
                await self.is_out.wait()
        finally:
            await pc.close()

    async def name_of(self, session: str) -> str:
        """Return as what a session that is in is shown there."""
        return (await self._seen(session)).display

    async def until_published(self, session: str) -> None:
        """Return once a session that is in publishes."""
        async with asyncio.timeout(PATIENCE):
            while not (await self._seen(session)).publisher:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.05)

    async def until_watched(self, *sessions: str) -> None:
        """Return once somebody else than these is in: our server's own, who hears from then on who comes and goes."""
        ids = {janus_id(session) for session in sessions}
        async with asyncio.timeout(PATIENCE):
            while {one.id for one in await self._present()} <= ids:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.05)

    async def _seen(self, session: str) -> Participant:
        return next(one for one in await self._present() if one.id == janus_id(session))

    async def _present(self) -> list[Participant]:
        assert self._handle is not None
        return (await ask(self._handle, ListParticipants(room=self.media.room), Present)).participants

    def _heard(self, word: HandleWord) -> None:
        if isinstance(word, Event):
            said = decode(word.plugindata.data)
            if isinstance(said, Destroyed) or (isinstance(said, Happened) and said.is_ours):
                self.is_out.set()


@asynccontextmanager
async def guest(media: Janus | None) -> AsyncIterator[Guest]:
    """Have a session with the Janus that was named."""
    assert media is not None
    session = JanusSession(media.url)
    await session.open()
    try:
        yield Guest(media, session)
    finally:
        await session.close()


async def refusal(media: Janus, session: str) -> int:
    """Return the code by which somebody is not let in; 0: they are."""
    async with guest(media) as one:
        try:
            await one.try_in(session)
        except JanusRefused as error:
            return error.code
    return 0


async def until_refused(media: Janus, session: str, code: int) -> None:
    """Return once somebody is not let in, by that code."""
    async with asyncio.timeout(PATIENCE):
        while await refusal(media, session) != code:  # noqa: ASYNC110 - Janus tells nobody of it
            await asyncio.sleep(0.05)
