"""The way of packets: real sockets, real SRTP."""

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from aiortc.rtp import RtpPacket
from pylibsrtp import Policy, Session

from peer.media.burst import Burst
from peer.media.route import LockedSession, Route, Scratch
from tests.peer.media.test_burst import Layout

PROFILES = {10: (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30), 16: (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28)}
HEAD = (96, 65_534, 4_294_967_295, 7)
LIMIT = 30.0  # seconds


def session(tag: int, direction: int) -> Session:
    profile, key = PROFILES[tag]
    policy = Policy(key=bytes(range(key)), ssrc_type=direction, srtp_profile=profile)
    policy.allow_repeat_tx = True  # as aiortc has it, for retransmissions
    return Session(policy)


@dataclass
class Way:
    """A pair of candidates, as ICE may choose it."""

    address: tuple[str, int]
    handle: int | None
    sent: list[bytes] = field(default_factory=list)

    def send(self, packet: bytes) -> None:
        self.sent.append(packet)


@dataclass
class Ends:
    ours: socket.socket
    theirs: socket.socket
    way: Way | None

    def route(self, tag: int) -> Route:
        sending = session(tag, Policy.SSRC_ANY_OUTBOUND)
        return Route(sending, threading.Lock(), find=lambda: self.way, adopt=lambda way: way)

    def receive(self, count: int) -> list[bytes]:
        return [self.theirs.recv(2000) for _ in range(count)]


@pytest.fixture
def ends() -> Iterator[Ends]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs,
    ):
        ours.bind(("127.0.0.1", 0))
        theirs.bind(("127.0.0.1", 0))
        theirs.settimeout(LIMIT)
        yield Ends(ours, theirs, Way(theirs.getsockname(), ours.fileno()))


def burst() -> Burst:
    payloads = [bytes([number]) * size for number, size in enumerate((20, 1100, 1100, 1100, 300))]
    return Burst(payloads, timestamp=0, send_time=0)


def send(route: Route, tag: int) -> None:
    with route.lock:
        route.send(burst(), Layout(tag=tag), Scratch(), HEAD)


def check(packets: list[bytes], tag: int) -> None:
    """Every packet decrypts, in order, over the wrap of the sequence numbers."""
    receiving = session(tag, Policy.SSRC_ANY_INBOUND)
    received = [RtpPacket.parse(receiving.unprotect(packet)) for packet in packets]
    assert [packet.payload for packet in received] == list(burst().payloads)
    assert [packet.sequence_number for packet in received] == [65_534, 65_535, 0, 1, 2]
    assert [packet.marker for packet in received] == [0, 0, 0, 0, 1]
    assert {(packet.timestamp, packet.ssrc, packet.payload_type) for packet in received} == {(4_294_967_295, 7, 96)}


@pytest.mark.parametrize("tag", PROFILES)
@pytest.mark.parametrize("path", ["segments", "datagrams"])
async def test_a_burst_arrives_packet_by_packet_protected_and_in_order(ends: Ends, path: str, tag: int) -> None:
    route = ends.route(tag)
    route.path = path
    send(route, tag)
    check(await asyncio.to_thread(ends.receive, 5), tag)
    assert (route.path, route.dropped) == (path, 0)
    route.close()


async def test_a_relay_sends_on_the_event_loop_what_a_thread_has_protected(ends: Ends) -> None:
    ends.way = relay = Way(("192.0.2.1", 9), None)
    route = ends.route(10)
    await asyncio.to_thread(send, route, 10)
    async with asyncio.timeout(LIMIT):
        while not relay.sent:  # noqa: ASYNC110 - it is called by the loop, after us
            await asyncio.sleep(0)
    check(relay.sent, 10)
    assert route.path == "transport"
    route.close()


class Refusing(socket.socket):
    """A socket of a system that does not cut for us."""

    def sendmsg(self, *_: object) -> int:
        raise OSError(errno.EIO, "no checksum offload")


async def test_where_the_kernel_does_not_cut_each_packet_goes_by_itself_and_none_is_lost(ends: Ends) -> None:
    route = ends.route(10)
    send(route, 10)
    await asyncio.to_thread(ends.receive, 5)
    shared = route._socket
    assert shared is not None
    route._socket = Refusing(fileno=os.dup(ends.ours.fileno()))
    shared.close()
    with route.lock:
        route.send(Burst([b"x" * 1100] * 3, timestamp=0, send_time=0), Layout(), Scratch(), (96, 10, 0, 7))
    assert len(await asyncio.to_thread(ends.receive, 3)) == 3
    assert route.path == "datagrams"
    route.close()


async def test_what_the_socket_does_not_take_is_dropped_and_counted(ends: Ends) -> None:
    ends.way = Way(("127.0.0.1", 0), ends.ours.fileno())
    route = ends.route(10)
    route.path = "datagrams"
    send(route, 10)
    assert route.dropped == 5
    route.close()


async def test_a_route_follows_what_ice_chooses_and_sends_nothing_while_nothing_is_chosen(ends: Ends) -> None:
    first, ends.way = ends.way, None
    route = ends.route(10)
    send(route, 10)
    ends.way = relay = Way(("192.0.2.1", 9), None)
    send(route, 10)
    await asyncio.sleep(0)
    assert len(relay.sent) == 5
    ends.way = first
    send(route, 10)
    assert len(await asyncio.to_thread(ends.receive, 5)) == 5
    assert route.path == "segments"
    route.close()


async def test_a_closed_route_holds_no_socket_and_sends_nothing(ends: Ends) -> None:
    route = ends.route(10)
    send(route, 10)
    await asyncio.to_thread(ends.receive, 5)
    route.close()
    route.close()
    send(route, 10)
    ends.theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        ends.theirs.recv(2000)


async def test_what_cannot_be_protected_is_never_sent_in_the_clear(ends: Ends) -> None:
    route = Route(Session(), threading.Lock(), find=lambda: ends.way, adopt=lambda way: way)  # a session without keys
    send(route, 10)
    assert route.dropped == 5
    ends.theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        ends.theirs.recv(2000)
    route.close()


async def test_aiortc_protects_through_the_same_session() -> None:
    locked = LockedSession(session(10, Policy.SSRC_ANY_OUTBOUND), threading.Lock())
    receiving = session(10, Policy.SSRC_ANY_INBOUND)
    packet = RtpPacket(ssrc=7, payload=b"again").serialize()
    assert receiving.unprotect(locked.protect(packet)) == packet
    report = bytes.fromhex("80c90001000000070000")[:8]
    assert receiving.unprotect_rtcp(locked.protect_rtcp(report)) == report
