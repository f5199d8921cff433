"""What becomes of whole frames: who taps gets them as they are, who reads gets them decoded, by one decoder."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from av import AudioFrame, VideoFrame
from av.video.codeccontext import VideoCodecContext

from peer.errors import UsageError
from peer.media.encoded import EncodedFrame
from peer.media.inbound import Freeze, Step
from peer.media.inbound.flow import SILENT_AFTER
from peer.media.receive import BACKLOG, ReceivedFrame, RemoteMedia
from tests.peer.recording.frames import sounds

LIMIT = 30.0  # seconds
WIDTH, HEIGHT = 64, 48
EVERY = 10  # pictures from one key frame to the next


class Track:
    """A connection's track, which delivers what it is told to."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.asked = 0  # times that a key frame was asked for
        self.has_asked = asyncio.Event()

    def listen(self, listener: RemoteMedia) -> None:
        self.media = listener

    def request_key_frame(self) -> None:
        self.asked += 1
        self.has_asked.set()

    def deliver(self, *frames: EncodedFrame) -> None:
        self.media.stepped(Step(frames=list(frames)))


def received(kind: str) -> tuple[RemoteMedia, Track]:
    media, track = RemoteMedia(kind), Track(kind)
    media.attach(track)
    return media, track


def encoded(kind: str, payload: bytes, number: int, *, is_key: bool = True) -> EncodedFrame:
    rate, step, codec = (90_000, 3000, "vp8") if kind == "video" else (48_000, 960, "opus")
    return EncodedFrame(kind, codec, payload, is_key, number * step, rate, number / 30, False, False)


def film(count: int) -> list[EncodedFrame]:
    """Return pictures of a grey that grows by 5."""
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = WIDTH, HEIGHT, "yuv420p", Fraction(1, 30)
    encoder.gop_size = EVERY
    encoder.options = {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}
    pictures = []
    for number in range(count):
        frame = VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), 5 * number, np.uint8), format="rgb24")
        frame.pts = number
        (packet,) = encoder.encode(frame.reformat(format="yuv420p"))
        pictures.append(encoded("video", bytes(packet), number, is_key=packet.is_keyframe))
    return pictures


def decoders() -> int:
    return sum(one.name.startswith("decode ") for one in threading.enumerate())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - what a thread does is no event of the loop
            await asyncio.sleep(0.002)


async def until_ended() -> None:
    await until(lambda: decoders() == 0)


async def read(media: RemoteMedia, count: int, **options: object) -> list[ReceivedFrame]:
    frames: list[ReceivedFrame] = []
    async with aclosing(media.frames(**options)) as reading:  # type: ignore[arg-type] # options of any type
        async for frame in reading:
            frames.append(frame)
            if len(frames) == count:
                break
    return frames


async def begun(media: RemoteMedia, count: int, **options: object) -> "asyncio.Task[list[ReceivedFrame]]":
    """Begin to read; return once it has begun."""
    task = asyncio.create_task(read(media, count, **options))
    readers = len(media._readers)
    await until(lambda: len(media._readers) > readers or task.done())
    return task


async def test_who_taps_gets_frames_as_they_are_and_nothing_is_decoded() -> None:
    media, track = received("video")
    seen: list[EncodedFrame] = []
    also: list[EncodedFrame] = []
    end, end_also = media.tap(seen.append), media.tap(also.append)
    pictures = film(3)
    track.deliver(*pictures[:2])
    end()
    end()  # a second time changes nothing
    track.deliver(pictures[2])
    end_also()
    assert (seen, also) == (pictures[:2], pictures)
    assert decoders() == 0
    assert media.counts.frames_decoded == 0


async def test_a_tap_that_raises_is_logged_and_ends_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    media, track = received("video")
    seen: list[EncodedFrame] = []

    def broken(_: EncodedFrame) -> None:
        raise ValueError("of the program")

    media.tap(broken)
    media.tap(seen.append)
    pictures = film(2)
    track.deliver(*pictures)
    assert seen == pictures
    assert caplog.text.count("a tap of video raised, and has ended") == 1


async def test_pictures_come_in_order_by_one_decoder_for_all_who_read_and_none_afterwards() -> None:
    media, track = received("video")
    colour, gray = await begun(media, 8, latest=False), await begun(media, 8, format="gray", latest=False)
    assert track.asked == 1
    assert decoders() == 1
    track.deliver(*film(8))
    async with asyncio.timeout(LIMIT):
        seen, also = await colour, await gray
    assert [frame.array.shape for frame in seen] == [(HEIGHT, WIDTH, 3)] * 8
    assert [frame.array.shape for frame in also] == [(HEIGHT, WIDTH)] * 8
    assert {frame.array.dtype for frame in seen + also} == {np.dtype(np.uint8)}
    assert [round(float(frame.array.mean()) / 5) for frame in seen] == list(range(8))
    assert [frame.time for frame in seen] == [number / 30 for number in range(8)]
    counts = media.counts
    assert (counts.frames_decoded, counts.key_frames_decoded, counts.frames_dropped) == (8, 1, 0)
    assert (counts.frame_width, counts.frame_height) == (WIDTH, HEIGHT)
    await until_ended()


async def test_a_slow_reader_gets_the_newest_and_what_it_missed_is_counted() -> None:
    media, track = received("video")
    reading = media.frames("gray")
    first = asyncio.ensure_future(anext(reading))
    await until(lambda: bool(media._readers))
    pictures = film(12)
    track.deliver(pictures[0])
    async with asyncio.timeout(LIMIT):
        await first
        track.deliver(*pictures[1:])
        await until(lambda: media.counts.frames_decoded == 12)
        newest = await anext(reading)
    assert newest.time == 11 / 30
    assert media.counts.frames_dropped == 10
    await reading.aclose()
    await until_ended()


async def test_what_waits_for_a_decoder_is_bounded_and_goes_on_with_a_key_frame() -> None:
    media, track = received("video")
    reading = await begun(media, 1)
    pictures = film(2 * EVERY)
    for _ in range(20):
        track.deliver(*pictures[:EVERY])  # faster than anything can be decoded
    track.deliver(pictures[0])
    async with asyncio.timeout(LIMIT):
        await reading
    assert media.counts.frames_dropped > 0
    await until_ended()


async def test_a_frame_that_cannot_be_decoded_asks_for_a_key_frame() -> None:
    media, track = received("video")
    reading = await begun(media, 2, latest=False)
    pictures = film(2)
    track.has_asked.clear()
    track.deliver(encoded("video", b"\x10\x00\x00no picture", 0))
    async with asyncio.timeout(LIMIT):
        await track.has_asked.wait()
        track.deliver(pictures[1])  # needs another: is not decoded
        track.deliver(*pictures)
        assert len(await reading) == 2
    assert track.asked >= 2
    assert media.counts.frames_dropped >= 2
    await until_ended()


async def test_sound_is_decoded_to_two_channels_of_int16() -> None:
    media, track = received("audio")
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    frame = AudioFrame.from_ndarray(np.full((1, 1920), 3000, np.int16), format="s16", layout="stereo")
    frame.sample_rate = 48_000
    packets = [bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]]
    reading = await begun(media, 1)
    track.deliver(encoded("audio", packets[0], 0))
    async with asyncio.timeout(LIMIT):
        (sound,) = await reading
    assert (sound.array.shape[1], sound.array.dtype, sound.rate) == (2, np.int16, 48_000)
    await until_ended()


async def test_when_the_user_is_gone_reading_ends_and_so_does_the_decoder() -> None:
    media, track = received("video")
    reading = await begun(media, 10**6)
    seen: list[EncodedFrame] = []
    media.tap(seen.append)
    track.deliver(*film(1))
    media.close()
    async with asyncio.timeout(LIMIT):
        await reading
    await until_ended()
    track.deliver(*film(1))
    assert len(seen) == 1
    assert await read(media, 1) == []
    late = Track("video")
    media.attach(late)
    assert not hasattr(late, "media")


async def test_reading_goes_on_over_the_next_connection() -> None:
    media, track = received("video")
    reading = await begun(media, BACKLOG["video"] + 1, latest=False)
    track.deliver(*film(EVERY))
    await until(lambda: media.counts.frames_decoded == EVERY)  # else too much might wait for the decoder
    following = Track("video")
    media.attach(following)
    media.request_key_frame()
    assert following.asked == 1
    for _ in range(3):
        decoded = media.counts.frames_decoded
        following.deliver(*film(EVERY))
        await until(lambda decoded=decoded: media.counts.frames_decoded >= decoded + EVERY or reading.done())
    async with asyncio.timeout(LIMIT):
        assert len(await reading) == BACKLOG["video"] + 1
    await until_ended()


async def test_an_unknown_format_is_refused_and_told_what_there_is() -> None:
    media, _ = received("video")
    with pytest.raises(UsageError, match="rgb24, bgr24, gray, not 'yuv'"):
        await read(media, 1, format="yuv")


async def test_what_becomes_of_the_picture_and_who_speaks_is_told() -> None:
    media = RemoteMedia("audio")
    told: list[object] = []
    media.on_freeze, media.on_speech = told.append, told.append
    media.stepped(Step(freezes=[Freeze.FIRST]))
    began = time.monotonic()
    for number in range(6):
        media.heard(-20, began + number * 0.02)
    assert media.is_speaking
    media.heard(-90, began + 1.0)
    assert told == [Freeze.FIRST, True, False]
    media.request_key_frame()  # of nobody yet: nothing happens
    media.close()


async def test_who_spoke_is_silent_when_nothing_comes_any_more() -> None:
    media, told = RemoteMedia("audio"), asyncio.Queue[bool]()
    media.on_speech = told.put_nowait
    began = time.monotonic()
    for number in range(6):
        media.heard(-20, began + number * 0.02)
    async with asyncio.timeout(LIMIT):
        assert [await told.get(), await told.get()] == [True, False]
    assert time.monotonic() >= began + 0.1 + SILENT_AFTER


async def test_of_packets_that_do_not_say_how_loud_they_are_the_sound_that_is_read_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("peer.media.inbound.flow.SILENT_AFTER", LIMIT)  # a busy machine is no pause in the speech
    media, track = received("audio")
    told: list[bool] = []
    media.on_speech = told.append
    reading = await begun(media, 20)
    for number, frame in enumerate(sounds()[:20]):
        track.deliver(encoded("audio", frame.payload, number))
        await until(lambda number=number: media.counts.frames_decoded > number)
        await asyncio.sleep(0.01)
    await reading
    assert (told, media.is_speaking) == ([True], True)
    media.close()
    await until_ended()


async def test_packets_that_say_how_loud_they_are_are_believed_and_not_measured() -> None:
    media, track = received("audio")
    reading = await begun(media, 20)
    for number, frame in enumerate(sounds()[:20]):
        media.heard(-100, time.monotonic())
        track.deliver(encoded("audio", frame.payload, number))
        await until(lambda number=number: media.counts.frames_decoded > number)
        await asyncio.sleep(0.01)
    await reading
    assert not media.is_speaking
    await until_ended()


async def test_sound_that_is_lost_is_made_up_and_counted() -> None:
    media, track = received("audio")
    reading = await begun(media, 8)
    packets = [encoded("audio", frame.payload, number) for number, frame in enumerate(sounds()[:8])]
    track.deliver(*packets[:4], *(replace(packet, follows_gap=packet is packets[6]) for packet in packets[6:]))
    async with asyncio.timeout(LIMIT):
        frames = await reading
    assert [round(frame.time - index / 30, 6) for index, frame in zip((0, 1, 2, 3), frames, strict=False)] == [0.0] * 4
    assert [round(packets[6].time - frame.time, 6) for frame in frames[4:7]] == [0.04, 0.02, 0.0]
    assert min(np.abs(frame.array.astype(int)).max() for frame in frames[1:]) > 1000
    counts = media.counts
    assert (counts.frames_decoded, counts.concealed_samples) == (6, 2 * 960)
    await until_ended()
