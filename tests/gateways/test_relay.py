"""What one connection receives on its way to others: published with its first frame, asked for key frames in time."""

import asyncio
from collections.abc import Callable

from peer.errors import UsageError
from peer.gateways.relay import Relay
from peer.gateways.relayed import Relayed
from peer.media.encoded import EncodedFrame
from peer.media.inbound import Step
from peer.media.keyframes import BEGUN_LIMIT
from peer.media.receive import RemoteMedia
from tests.peer.recording.frames import pictures, sounds

LIMIT = 30.0  # seconds


class Stream:
    """A connection's track that counts how often it was asked for a key frame."""

    kind = "video"

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.news = asyncio.Event()

    def listen(self, listener: RemoteMedia) -> None:
        pass

    def request_key_frame(self) -> None:
        self.asked.append(asyncio.get_running_loop().time())
        self.news.set()

    async def until_asked(self, times: int) -> None:
        async with asyncio.timeout(LIMIT):
            while len(self.asked) < times:
                self.news.clear()
                await self.news.wait()


def begin(kind: str) -> tuple[RemoteMedia, Stream, list[Relayed], Callable[[Relayed], object]]:
    media, stream, published = RemoteMedia(kind), Stream(), []
    media.attach(stream)

    async def publish(source: Relayed) -> None:
        published.append(source)

    return media, stream, published, publish


def come(media: RemoteMedia, *frames: EncodedFrame) -> None:
    media.stepped(Step(frames=list(frames)))


async def test_it_is_published_once_with_the_first_picture_that_can_be_decoded() -> None:
    media, stream, published, publish = begin("video")
    relay = Relay(media, "ana", publish)
    film = pictures("vp8", 20, gop=10)
    come(media, *film[5:8])
    assert relay.source is None
    await stream.until_asked(1)
    come(media, *film[10:12])
    await relay.wait_published()
    assert published == [relay.source]
    assert published[0].label == "video of ana"
    (coding,) = published[0].open_input().coded.values()
    assert (coding.codec, coding.width, coding.height) == ("VP8", 64, 48)
    relay.close()
    come(media, *film[12:])
    assert len(published[0].open_input()._waiting) == 2


async def test_a_key_frame_is_asked_for_until_it_comes_and_by_nobody_after_the_end() -> None:
    media, stream, _, publish = begin("video")
    relay = Relay(media, "ana", publish)
    film = pictures("vp8", 20, gop=10)
    come(media, film[0])
    await asyncio.sleep(0)
    asked = len(stream.asked)
    await asyncio.to_thread(relay.ask)  # as the source's thread does
    await stream.until_asked(asked + 2)
    assert stream.asked[-1] - stream.asked[-2] >= 0.9 * BEGUN_LIMIT
    come(media, film[10])
    assert relay._timer is None
    relay.close()
    relay.ask()
    await asyncio.sleep(0)
    assert relay._timer is None


async def test_sound_begins_with_any_packet_and_a_refusal_to_publish_harms_nobody() -> None:
    media, _, _, _ = begin("audio")

    async def refuse(_: Relayed) -> None:
        raise UsageError("we are leaving the room")

    relay = Relay(media, "ana", refuse)
    come(media, *sounds(3))
    assert relay.source is not None
    await relay.wait_published()
    relay.close()
    relay.close()
