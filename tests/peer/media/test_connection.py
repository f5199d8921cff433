"""One connection against a plain RTCPeerConnection: whatever the other side offers, in whatever order."""

import asyncio

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from peer.channel import ChannelMessage
from peer.media.connection import MOST_CANDIDATES, Connection
from peer.media.fanout import Fanout
from signaling.messages import Candidate

LIMIT = 30.0  # seconds


class Answering:
    """A connection of ours that answers; `connected` is set when media can flow."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.tracks: list[str] = []
        self.said: list[ChannelMessage] = []
        self.fanouts = {kind: Fanout(kind) for kind in ("audio", "video")}
        self.connection = Connection(
            "them.1",
            "them",
            outgoing=self.fanouts,
            ice_servers=[],
            on_track=lambda track: self.tracks.append(track.kind),
            on_state=lambda state: self.connected.set() if state == "connected" else None,
            on_said=self.said.append,
        )


@pytest.mark.parametrize("kinds", ["audio video", "video audio", "audio", "video", "", "audio video video"])
async def test_any_offer_is_answered_and_connects(kinds: str) -> None:
    us, them = Answering(), RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        for kind in kinds.split():
            them.addTransceiver(kind)
        them.createDataChannel("exeunt")
        await them.setLocalDescription(await them.createOffer())
        answer = await us.connection.answer(them.localDescription.sdp)
        await them.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        async with asyncio.timeout(LIMIT):
            await us.connected.wait()
        assert us.tracks == kinds.split()
        sending = [one.kind for one in them.getTransceivers() if one.currentDirection == "sendrecv"]
        assert sorted(sending) == sorted(set(kinds.split()))
    finally:
        await us.connection.close()
        await them.close()


async def test_candidates_that_wait_are_bounded() -> None:
    us = Answering()
    for number in range(10 * MOST_CANDIDATES):
        await us.connection.add_candidate(Candidate(user="them", call="them.1", candidate=f"candidate:{number}"))
    assert len(us.connection._candidates or []) == MOST_CANDIDATES
    await us.connection.close()


async def test_candidates_that_are_no_candidates_harm_nothing() -> None:
    us, them = Answering(), RTCPeerConnection(RTCConfiguration(iceServers=[]))
    them.addTransceiver("audio")
    await them.setLocalDescription(await them.createOffer())
    await us.connection.answer(them.localDescription.sdp)
    for text in ("", "nonsense", "candidate:1 1 tcp 1 10.0.0.1 9 typ host tcptype active", "candidate:" + "9 " * 500):
        await us.connection.add_candidate(Candidate(user="them", call="them.1", candidate=text, sdp_mid="0"))
    await us.connection.close()
    await us.connection.close()
    await them.close()
