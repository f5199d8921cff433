"""One RTCPeerConnection with one other user, for one call.

Three m-lines for life: audio, video, and a data channel, in this order (with the channel first aiortc's bundle never
connects). Publishing, muting and unpublishing change what flows, never the description, so nothing is renegotiated.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamTrack
from aiortc.sdp import candidate_from_sdp

from peer.channel import CHANNEL, CHANNELS, LOSSY, ChannelMessage, decode, encode
from peer.media import aiortc_compat, aiortc_reuse, aiortc_sender, aiortc_trickle
from peer.media.aiortc_life import SignsOfLife
from peer.media.aiortc_pair import selected_pair
from peer.media.aiortc_receiver import Inbound
from peer.media.fanout import Fanout, StubTrack
from peer.media.inbound import SenderClock
from peer.media.inbound_stats import CandidatePairStats
from signaling.messages import Candidate, IceServer

KINDS = ("audio", "video")  # in the order of the m-lines
CHANNEL_OPTIONS: dict[str, dict[str, Any]] = {LOSSY: {"ordered": False, "maxRetransmits": 0}}
DIRECTIONS = {  # by whether we send, and whether we receive
    (True, True): "sendrecv",
    (True, False): "sendonly",
    (False, True): "recvonly",
    (False, False): "inactive",
}
MOST_CANDIDATES = 64  # that wait for a description
log = logging.getLogger(__name__)


class Connection:
    """Wraps one RTCPeerConnection: every step waits for the one before, closing included.

    `outgoing` is empty if we may send nothing; `receives`: whether we may be sent something; `channels`: the labels
    of the data channels that are offered, and taken.

    `on_track` gets each remote track at once, `on_state` "connected" or "failed" (also when the other side closed),
    `on_said` what the other side says over the data channel, `on_channel` every other data channel. `greeting` returns
    what is said first there.
    """

    def __init__(
        self,
        call: str,
        user: str,
        *,
        outgoing: Mapping[str, Fanout],
        receives: bool = True,
        ice_servers: Iterable[IceServer],
        relay_only: bool = False,
        channels: Collection[str] = CHANNELS,
        on_track: Callable[[Inbound], None],
        on_state: Callable[[str], None],
        on_said: Callable[[ChannelMessage], None],
        on_channel: Callable[[RTCDataChannel], None] = lambda _: None,
        greeting: Callable[[], ChannelMessage] | None = None,
    ) -> None:
        aiortc_compat.install()
        self.call, self.user = call, user
        self._on_state, self._on_said, self._on_channel = on_state, on_said, on_channel
        self._greeting = greeting
        self._channel: RTCDataChannel | None = None
        self._turn = asyncio.Lock()  # one step at a time
        self._is_given_up = asyncio.Event()
        self._candidates: list[Candidate] | None = []  # until the remote description is known
        self._closing: asyncio.Task[None] | None = None
        self._pc = RTCPeerConnection(_configuration(ice_servers, relay_only=relay_only))
        self._on_track = on_track
        self._inbound: list[Inbound] = []
        self._clock = SenderClock()
        self._pc.on("track", self._receive)
        self._pc.on("datachannel", self._adopt)
        self._pc.on("connectionstatechange", self._state_changed)
        self._outgoing, self._channels = outgoing, channels
        self._stubs = {kind: fanout.attach() for kind, fanout in outgoing.items()}
        self._direction = DIRECTIONS[bool(outgoing), receives]

    async def offer(self) -> str:
        """Return the SDP of our offer, candidates included (aiortc does not trickle)."""
        aiortc_compat.gathering_ends.set(self._is_given_up)
        async with self._turn:
            for kind in KINDS:
                stub = self._stubs.get(kind)
                self._send(stub, self._pc.addTransceiver(stub or kind, direction=self._direction))
            for label in self._channels:
                self._adopt(self._pc.createDataChannel(label, **CHANNEL_OPTIONS.get(label, {})))
            await self._pc.setLocalDescription(await self._pc.createOffer())
            return str(self._pc.localDescription.sdp)

    async def answer(self, sdp: str) -> str:
        """Take an offer, the first or a later one, and return the SDP of our answer."""
        aiortc_compat.gathering_ends.set(self._is_given_up)
        async with self._turn:
            await self._describe(sdp, "offer")
            self._join_offered()
            await self._pc.setLocalDescription(await self._pc.createAnswer())
            aiortc_reuse.follow(self._pc)
            return str(self._pc.localDescription.sdp)

    async def accept(self, sdp: str) -> None:
        """Take the answer to our offer."""
        async with self._turn:
            await self._describe(sdp, "answer")

    async def gather(self, servers: Iterable[IceServer]) -> list[str]:
        """Gather what these servers give, after the offer; return those candidates as in SDP ("candidate:...").

        Takes 5 s at most, if servers do not answer. Raises `ValueError` for an address that aiortc cannot use.
        """
        aiortc_compat.gathering_ends.set(self._is_given_up)
        async with self._turn:
            return [] if self._closing else await aiortc_trickle.gather(self._pc, _ice_servers(servers))

    def _join_offered(self) -> None:
        """Send on the first m-line of each kind that is offered: there may be others, fewer, in another order."""
        offered = self._pc.getTransceivers()
        for kind in KINDS:
            for transceiver in [one for one in offered if one.kind == kind][:1]:
                stub = self._stubs.get(kind)
                transceiver.sender.replaceTrack(stub)
                transceiver.direction = self._direction
                self._send(stub, transceiver)

    def _send(self, stub: StubTrack | None, transceiver: RTCRtpTransceiver) -> None:
        """Have the other side get what is encoded once for all; the stub is for those who take none of our codecs."""
        if stub is None:
            return
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

    def selected_pair(self) -> CandidatePairStats | None:
        """Return the way that packets go; None before the connection is made."""
        return selected_pair(self._pc, self.user)

    def signs_of_life(self) -> SignsOfLife:
        """Listen to all that comes from now on; only after `offer` or `answer`."""
        return SignsOfLife(self._pc)

    def stream(self, mid: str) -> Inbound | None:
        """Return what comes on the m-line of that `mid`; None if nothing ever was to come there."""
        receiver = next((one.receiver for one in self._pc.getTransceivers() if one.mid == mid), None)
        return next((one for one in self._inbound if one.is_of(receiver)), None)

    def _receive(self, track: MediaStreamTrack) -> None:
        """Have what a track delivers put in order by us, before its receiver is started."""
        for transceiver in self._pc.getTransceivers():
            if transceiver.receiver.track is track:
                inbound = Inbound(transceiver.receiver, track.kind, self._clock)
                self._inbound.append(inbound)
                self._on_track(inbound)

    def _adopt(self, channel: RTCDataChannel) -> None:
        if channel.label == CHANNEL:
            self._channel = channel
            channel.on("message", self._hear)
            channel.on("open", self._greet)
            self._greet()  # where the other side made it, it is open already
        elif channel.label in self._channels and self._closing is None:
            self._on_channel(channel)

    def _greet(self) -> None:
        if self._greeting is not None:
            self.say(self._greeting())

    def _hear(self, text: str | bytes) -> None:
        message = decode(text)
        if message is not None and self._closing is None:
            self._on_said(message)

    def close(self) -> "asyncio.Task[None]":
        """Close, once. The task is to be waited for, never cancelled: aiortc does not survive a cancelled close."""
        if self._closing is None:
            self._is_given_up.set()
            for stub in self._stubs.values():
                stub.stop()
            for inbound in self._inbound:
                inbound.close()
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


def _configuration(servers: Iterable[IceServer], *, relay_only: bool) -> RTCConfiguration:
    """Name the ICE servers explicitly: with none given, aiortc would ask a public one."""
    return RTCConfiguration(
        iceServers=_ice_servers(servers),
        bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
        iceTransportPolicy=RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL,
    )


def _ice_servers(servers: Iterable[IceServer]) -> list[RTCIceServer]:
    return [RTCIceServer(list(one.urls), one.username, one.credential) for one in servers]
