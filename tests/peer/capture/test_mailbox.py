"""From a reader's thread to a subscriber: through the loop, or straight."""

import asyncio
import threading

import av
import pytest

from peer.capture import Frame, Kind
from peer.capture.mailbox import CAPACITY, Handover, Mailbox
from tests.peer.media.encoders.material import pictures, tone

LIMIT = 30.0  # seconds


def mailbox(kind: Kind = Kind.VIDEO) -> tuple[Mailbox, list[Frame], list[str | None]]:
    delivered: list[Frame] = []
    endings: list[str | None] = []
    return Mailbox(kind, asyncio.get_running_loop(), delivered.append, endings.append), delivered, endings


def handover(deliver: object) -> Handover:
    return Handover(Kind.VIDEO, asyncio.get_running_loop(), deliver, None)


async def test_the_newest_frames_wait_for_a_busy_loop_and_older_ones_are_displaced() -> None:
    for kind, frames in ((Kind.VIDEO, pictures(12, (64, 64))), (Kind.AUDIO, tone(12))):
        box, delivered, _ = mailbox(kind)
        assert sum(box.put(frame) for frame in frames) == 12 - CAPACITY[kind]
        assert delivered == []
        await asyncio.sleep(0)
        assert delivered == frames[-CAPACITY[kind] :]


async def test_a_closed_mailbox_delivers_nothing_and_tells_no_end() -> None:
    box, delivered, endings = mailbox()
    box.put(pictures(1, (64, 64))[0])
    box.end("over")
    box.close()
    await asyncio.sleep(0)
    assert (delivered, endings) == ([], [])


async def test_the_end_comes_after_the_last_frame_and_once() -> None:
    box, delivered, endings = mailbox()
    box.put(pictures(1, (64, 64))[0])
    box.end("over")
    box.end("again")
    await asyncio.sleep(0)
    assert (len(delivered), endings) == (1, ["over"])


async def test_a_handover_delivers_in_the_readers_thread_at_once() -> None:
    where: list[tuple[str, Frame]] = []
    box = handover(lambda frame: where.append((threading.current_thread().name, frame)))
    frames = pictures(3, (64, 64))
    reader = threading.Thread(target=lambda: [box.put(frame) for frame in frames], name="reader")
    reader.start()
    await asyncio.to_thread(reader.join)
    assert where == [("reader", frame) for frame in frames]


async def test_nothing_is_handed_over_once_close_has_returned() -> None:
    entered, go_on = threading.Event(), threading.Event()
    delivered: list[av.VideoFrame] = []

    def deliver(frame: av.VideoFrame) -> None:
        entered.set()
        go_on.wait(LIMIT)
        delivered.append(frame)

    box, frame = handover(deliver), pictures(1, (64, 64))[0]
    reader = threading.Thread(target=lambda: [box.put(frame) for _ in range(2)], name="reader")
    reader.start()
    await asyncio.to_thread(entered.wait, LIMIT)
    closing = asyncio.create_task(asyncio.to_thread(box.close))
    await asyncio.sleep(0)
    assert not closing.done()  # a delivery is under way
    go_on.set()
    await closing
    count = len(delivered)
    await asyncio.to_thread(reader.join)
    box.put(frame)
    assert count == len(delivered) in (1, 2)


async def test_a_subscriber_that_fails_harms_neither_the_reader_nor_the_next_frame(
    caplog: pytest.LogCaptureFixture,
) -> None:
    delivered: list[Frame] = []

    def deliver(frame: Frame) -> None:
        delivered.append(frame)
        if len(delivered) == 1:
            raise ValueError("a mistake")

    box, frames = handover(deliver), pictures(2, (64, 64))
    for frame in frames:
        box.put(frame)
    assert delivered == frames
    assert "a subscriber could not take a frame" in caplog.text


def test_a_loop_that_is_closed_closes_the_mailbox() -> None:
    loop = asyncio.new_event_loop()
    box = Mailbox(Kind.VIDEO, loop, lambda frame: None, None)
    loop.close()
    assert box.put(pictures(1, (64, 64))[0]) == 0
    assert box._is_closed
    assert box._frames == type(box._frames)()
