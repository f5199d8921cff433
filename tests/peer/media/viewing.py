"""A viewer at the end of a real socket: everything that an outlet sends is received, decrypted and decoded."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle

import av
from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import vp8_depayload
from aiortc.rtp import RtpPacket
from pylibsrtp import Policy, Session

from peer.capture.clock import VIDEO_RATE
from peer.capture.convert import stamp_picture
from peer.capture.input import capture_time
from peer.media.burst import Burst
from peer.media.codecs import Codec
from peer.media.encoders import Encoded
from peer.media.outlet import Outlet
from peer.media.route import Route, Scratch
from tests.peer.media.encoders.material import decoded_pictures, pictures
from tests.peer.media.test_burst import Layout

H264, VP8, OPUS = Codec("H264", 102, 103), Codec("VP8", 96, 97), Codec("OPUS", 111)
DEPAYLOAD = {H264.payload_type: h264_depayload, VP8.payload_type: vp8_depayload, OPUS.payload_type: bytes}
NAMES = {codec.payload_type: codec.name for codec in (H264, VP8, OPUS)}
KEY = bytes(range(30))
BUFFER = 4 << 20  # bytes
LIMIT = 30.0  # seconds for anything that a test waits for
SIZE = (320, 180)
_ssrcs = count(1000)


@dataclass(frozen=True)
class Received:
    """One frame, as it came."""

    codec: str
    timestamp: int
    packets: tuple[RtpPacket, ...]
    bitstream: bytes

    @property
    def is_key(self) -> bool:
        if self.codec == "VP8":
            return not self.bitstream[0] & 1  # RFC 6386, section 9.1
        return any(unit[:1] and unit[0] & 0x1F == 5 for unit in self.bitstream.split(b"\0\0\1"))


def session(direction: int) -> Session:
    policy = Policy(key=KEY, ssrc_type=direction, srtp_profile=Policy.SRTP_PROFILE_AES128_CM_SHA1_80)
    policy.allow_repeat_tx = True
    return Session(policy)


@dataclass(frozen=True)
class Way:
    """The candidate pair that leads to a socket."""

    address: tuple[str, int]
    handle: int

    def send(self, packet: bytes) -> None:
        raise AssertionError("the socket can be shared")


class Witness(Outlet):
    """An outlet that remembers the calls of the encoder's thread, after each, and when it was."""

    def __init__(self, user: str, kind: str, codecs: Sequence[Codec], route: Route) -> None:
        super().__init__(user, kind, codecs, next(_ssrcs), Layout(), route)
        self.bursts: list[Burst] = []
        self.moments: list[float] = []  # monotonic seconds

    def send(self, burst: Burst, scratch: Scratch) -> None:
        before = self.counts.packets_sent
        super().send(burst, scratch)
        if self.counts.packets_sent > before:
            self.moments.append(time.monotonic())
            self.bursts.append(burst)


@dataclass(eq=False)
class Viewer:
    """`outlet` is what encodings feed; `packets`, `again` and `frames` are what came."""

    outlet: Witness
    ours: socket.socket
    theirs: socket.socket
    packets: list[RtpPacket] = field(default_factory=list)
    again: list[RtpPacket] = field(default_factory=list)  # of RTX
    frames: list[Received] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _session: Session = field(default_factory=lambda: session(Policy.SSRC_ANY_INBOUND))
    _whole: int = 0  # packets that belong to whole frames

    def read(self) -> None:
        while True:
            try:
                packet = RtpPacket.parse(self._session.unprotect(self.theirs.recv(2000)))
            except BlockingIOError:
                return
            self._news.set()
            if packet.payload_type not in DEPAYLOAD:
                self.again.append(packet)
                continue
            self.packets.append(packet)
            if packet.marker or packet.payload_type == OPUS.payload_type:
                self._frame_came()

    def _frame_came(self) -> None:
        packets, self._whole = tuple(self.packets[self._whole :]), len(self.packets)
        number = packets[0].payload_type
        bitstream = b"".join(DEPAYLOAD[number](packet.payload) for packet in packets)
        self.frames.append(Received(NAMES[number], packets[0].timestamp, packets, bitstream))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait, packet by packet, until a condition holds."""
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def next(self, number: int = 1) -> Received:
        """Wait for so many frames more, and return the last of them."""
        wanted = len(self.frames) + number
        await self.until(lambda: len(self.frames) >= wanted)
        return self.frames[wanted - 1]

    def key_numbers(self) -> list[int]:
        """Return which of the frames are key frames."""
        return [number for number, frame in enumerate(self.frames) if frame.is_key]

    def pictures(self) -> list[av.VideoFrame]:
        """Return the pictures that a decoder makes of all frames."""
        (codec,) = {frame.codec for frame in self.frames}
        return decoded_pictures(codec, [Encoded(frame.bitstream, frame.is_key) for frame in self.frames])

    def assert_unbroken(self) -> None:
        """Every sequence number came once, in order; time goes on from frame to frame."""
        numbers = [packet.sequence_number for packet in self.packets]
        assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(len(numbers))]
        times = [(frame.timestamp - self.frames[0].timestamp) & 0xFFFFFFFF for frame in self.frames]
        assert times == sorted(set(times))

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.theirs)
        self.outlet.route.close()
        self.ours.close()
        self.theirs.close()


@contextmanager
def viewers(*codecs: Sequence[Codec], kind: str = "video") -> Iterator[list[Viewer]]:
    """Make a viewer for each list of codecs, for the length of the block."""
    made = [_viewer(f"viewer {number}", kind, offered) for number, offered in enumerate(codecs)]
    try:
        yield made
    finally:
        for viewer in made:
            viewer.close()


def _viewer(user: str, kind: str, codecs: Sequence[Codec]) -> Viewer:
    ours, theirs = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for one in (ours, theirs):
        one.bind(("127.0.0.1", 0))
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    theirs.setblocking(False)
    way = Way(theirs.getsockname(), ours.fileno())
    route = Route(session(Policy.SSRC_ANY_OUTBOUND), threading.Lock(), find=lambda: way, adopt=lambda found: found)
    viewer = Viewer(Witness(user, kind, codecs, route), ours, theirs)
    asyncio.get_running_loop().add_reader(theirs, viewer.read)
    return viewer


class Film:
    """Moving pictures as a camera takes them: each is stamped when it is shown."""

    def __init__(self, size: tuple[int, int] = SIZE, number: int = 12) -> None:
        self._pictures = cycle(pictures(number, size))

    def next(self) -> av.VideoFrame:
        """Take a picture."""
        return stamp_picture(next(self._pictures), round(capture_time() * VIDEO_RATE))

    async def show(self, put: Callable[[av.VideoFrame], None], viewer: Viewer, number: int = 1) -> None:
        """Show so many pictures, each when the one before has arrived."""
        for _ in range(number):
            coming = len(viewer.frames) + 1
            put(self.next())
            await viewer.until(lambda coming=coming: len(viewer.frames) >= coming)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something in a thread, which tells nobody."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


def encoder_threads() -> list[str]:
    """Name the threads that encode."""
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("exeunt encoder"))
