"""Strangers send what they like to the port of a connection: nothing is logged, and the connection goes on."""

import asyncio
import logging
import os
import random
import socket
import struct

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from peer.media import aiortc_compat
from peer.media.aiortc_datagrams import LARGEST

LIMIT = 20.0  # seconds
COOKIE = 0x2112A442
PRIORITY, XOR_MAPPED_ADDRESS, FINGERPRINT = 0x0024, 0x0020, 0x8028
aiortc_compat.install()


def stun(*attributes: tuple[int, bytes], first: int = 0x0001) -> bytes:
    """Write a STUN message (RFC 8489, section 5), however wrong its attributes are."""
    padded = [(kind, value, bytes(-len(value) % 4)) for kind, value in attributes]
    body = b"".join(struct.pack("!HH", kind, len(value)) + value + padding for kind, value, padding in padded)
    return struct.pack("!HHI", first, len(body), COOKIE) + os.urandom(12) + body


def nonsense() -> list[bytes]:
    """Return what is known to have harmed aioice and aiortc, and a hundred random datagrams."""
    chance = random.Random(9725)
    known = [
        b"",
        b"\x00",
        b"\x80",
        b"\x80" + bytes(LARGEST),
        b"\x17\xfe\xfd" + bytes(10),  # looks like DTLS
        stun((PRIORITY, b"\x01")),
        stun((PRIORITY, b"12345")),
        stun((FINGERPRINT, b"\x01\x02")),
        stun((XOR_MAPPED_ADDRESS, b"\x00\x01\x00")),
        stun((0x000C, b"\x01")),
        stun((0x802A, b"1234"), first=0x0101),
        stun(first=0x03FF),
        stun((PRIORITY, b"\x01"), first=0x8060),  # a packet of media whose sequence number is its length less 20
    ]
    return known + [bytes([chance.randrange(4)]) + chance.randbytes(chance.randrange(80)) for _ in range(100)]


async def test_nothing_that_strangers_send_is_logged_or_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    one, other = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    channel, heard = one.createDataChannel("words"), asyncio.Queue[str]()
    other.on("datachannel", lambda theirs: theirs.on("message", heard.put_nowait))
    opened = asyncio.Event()
    channel.on("open", opened.set)
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    try:
        await one.setLocalDescription(await one.createOffer())
        await other.setRemoteDescription(one.localDescription)
        await other.setLocalDescription(await other.createAnswer())
        disturb(one)  # also before it is connected
        await one.setRemoteDescription(other.localDescription)
        async with asyncio.timeout(LIMIT):
            await opened.wait()
            for _ in range(3):
                disturb(one)
                disturb(other)
                channel.send("still there")
                assert await heard.get() == "still there"
        assert (one.connectionState, other.connectionState) == ("connected", "connected")
        assert failures == []
        assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    finally:
        await asyncio.gather(one.close(), other.close())


def disturb(connection: RTCPeerConnection) -> None:
    """Send all of it to every port of a connection, from a socket that the connection knows nothing of."""
    for candidate in connection.sctp.transport.transport.iceGatherer.getLocalCandidates():
        family = socket.AF_INET6 if ":" in candidate.ip else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as stranger:
            for datagram in nonsense():
                stranger.sendto(datagram, (candidate.ip, candidate.port))
