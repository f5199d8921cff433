"""One RTCPeerConnection with one other user, for one call.

Three m-lines for life: audio, video, and a data channel, in this order (with the channel first aiortc's bundle never
connects). Publishing, muting and unpublishing change what flows, never the description, so nothing is renegotiated.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamTrack
from aiortc.sdp import candidate_from_sdp

from peer.channel import CHANNEL, ChannelMessage, decode, encode
from peer.media import aiortc_compat, aiortc_sender
from peer.media.fanout import Fanout, StubTrack
from signaling.messages import Candidate, IceServer

MOST_CANDIDATES = 64  # that wait for a description
log = logging.getLogger(__name__)


class Connection:
    """Wraps one RTCPeerConnection: every step waits for the one before, closing included.

    `on_track` gets each remote track at once, `on_state` "connected" or "failed" (also when the other side closed),
    `on_said` what the other side says over the data channel.
    """

    def __init__(
        self,
        call: str,
        user: str,
        *,
        outgoing: Mapping[str, Fanout],
        ice_servers: Iterable[IceServer],
        on_track: Callable[[MediaStreamTrack], None],
        on_state: Callable[[str], None],
        on_said: Callable[[ChannelMessage], None],
    ) -> None:
        aiortc_compat.install()
        self.call, self.user = call, user
        self._on_state, self._on_said = on_state, on_said
        self._channel: RTCDataChannel | None = None
        self._turn = asyncio.Lock()  # one step at a time
        self._is_given_up = asyncio.Event()
        self._candidates: list[Candidate] | None = []  # until the remote description is known
        self._closing: asyncio.Task[None] | None = None
        self._pc = RTCPeerConnection(_configuration(ice_servers))
        self._pc.on("track", on_track)
        self._pc.on("datachannel", self._adopt)
        self._pc.on("connectionstatechange", self._state_changed)
        self._outgoing = outgoing
        self._stubs = [outgoing[kind].attach() for kind in ("audio", "video")]

    async def offer(self) -> str:
        """Return the SDP of our offer, candidates included (aiortc does not trickle)."""
        aiortc_compat.gathering_ends.set(self._is_given_up)
        async with self._turn:
            for stub in self._stubs:
                self._send(stub, self._pc.addTransceiver(stub, direction="sendrecv"))
            self._adopt(self._pc.createDataChannel(CHANNEL))
            await self._pc.setLocalDescription(await self._pc.createOffer())
            return str(self._pc.localDescription.sdp)

    async def answer(self, sdp: str) -> str:
        """Take an offer and return the SDP of our answer."""
        aiortc_compat.gathering_ends.set(self._is_given_up)
        async with self._turn:
            await self._describe(sdp, "offer")
            self._join_offered()
            await self._pc.setLocalDescription(await self._pc.createAnswer())
            return str(self._pc.localDescription.sdp)

    async def accept(self, sdp: str) -> None:
        """Take the answer to our offer."""
        async with self._turn:
            await self._describe(sdp, "answer")

    def _join_offered(self) -> None:
        """Send on the first m-line of each kind that is offered: there may be others, fewer, in another order."""
        offered = self._pc.getTransceivers()
        for stub in self._stubs:
            for transceiver in [one for one in offered if one.kind == stub.kind][:1]:
                transceiver.sender.replaceTrack(stub)
                transceiver.direction = "sendrecv"
                self._send(stub, transceiver)

    def _send(self, stub: StubTrack, transceiver: RTCRtpTransceiver) -> None:
        """Have the other side get what is encoded once for all; the stub is for those who take none of our codecs."""
        aiortc_sender.take_over(transceiver.sender, self.user, self._outgoing[stub.kind].audience)

    async def add_candidate(self, candidate: Candidate) -> None:
        """Take one of the other side's candidates, in any order with the description."""
        async with self._turn:
            if self._candidates is None:
                await self._add(candidate)
            elif len(self._candidates) < MOST_CANDIDATES:
                self._candidates.append(candidate)

    def say(self, message: ChannelMessage) -> bool:
        """Say something straight to the other side; false if there is no channel (yet)."""
        if self._closing is not None or self._channel is None or self._channel.readyState != "open":
            return False
        self._channel.send(encode(message))
        return True

    def _adopt(self, channel: RTCDataChannel) -> None:
        if channel.label == CHANNEL:
            self._channel = channel
            channel.on("message", self._hear)

    def _hear(self, text: str | bytes) -> None:
        message = decode(text)
        if message is not None and self._closing is None:
            self._on_said(message)

    def close(self) -> "asyncio.Task[None]":
        """Close, once. The task is to be waited for, never cancelled: aiortc does not survive a cancelled close."""
        if self._closing is None:
            self._is_given_up.set()
            for stub in self._stubs:
                stub.stop()
            self._closing = asyncio.create_task(self._close(), name=f"close {self.call}")
        return self._closing

    async def _close(self) -> None:
        async with self._turn:
            await self._pc.close()
            for transceiver in self._pc.getTransceivers():
                await transceiver.stop()  # what a connecting that was under way has started since

    async def _describe(self, sdp: str, kind: str) -> None:
        await self._pc.setRemoteDescription(RTCSessionDescription(sdp=sdp, type=kind))
        waiting, self._candidates = self._candidates or [], None
        for candidate in waiting:
            await self._add(candidate)

    async def _add(self, message: Candidate) -> None:
        """Give a candidate to aiortc; one that it cannot use (TCP, an unknown form) is one path less, no failure."""
        if not message.candidate:
            return  # aiortc does without end-of-candidates; told of it too early it gives up
        try:
            candidate = candidate_from_sdp(message.candidate.removeprefix("candidate:"))
            candidate.sdpMid, candidate.sdpMLineIndex = message.sdp_mid, message.sdp_m_line_index
            await self._pc.addIceCandidate(candidate)
        except (AssertionError, IndexError, ValueError) as error:
            log.debug("call %s: candidate not usable: %s", self.call, error)

    def _state_changed(self) -> None:
        state = self._pc.connectionState
        log.debug("call %s: %s", self.call, state)
        if self._closing is None and state in ("connected", "failed", "closed"):
            self._on_state("connected" if state == "connected" else "failed")


def _configuration(servers: Iterable[IceServer]) -> RTCConfiguration:
    """Name the ICE servers explicitly: with none given, aiortc would ask a public one."""
    return RTCConfiguration(
        iceServers=[RTCIceServer(list(one.urls), one.username, one.credential) for one in servers],
        bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
    )
