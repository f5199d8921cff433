"""The outbox, on a transport whose buffer the test fills and empties."""

import asyncio

from signaling.outbox import PIECE, Outbox, Turns
from tests.signaling.client import PATIENCE


class Pipe(asyncio.Transport):
    """Keeps each write; takes no more while `held` bytes lie in its buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.held = 0
        self.gone = False
        self.writable = asyncio.Event()
        self.writable.set()

    def write(self, data: bytes) -> None:  # type: ignore[override] # bytes are all that an outbox writes
        self.writes.append(data)

    def get_write_buffer_size(self) -> int:
        return self.held

    def is_closing(self) -> bool:
        return self.gone

    def fill(self) -> None:
        self.held = PIECE + 1
        self.writable.clear()

    def drain(self) -> None:
        self.held = 0
        self.writable.set()

    async def wait(self) -> None:
        await self.writable.wait()
        if self.gone:
            raise ConnectionResetError


def outbox(pipe: Pipe, max_frames: int = 256, max_bytes: int = 10 * PIECE) -> Outbox:
    return Outbox(pipe, pipe.wait, Turns(), max_frames=max_frames, max_bytes=max_bytes)


async def test_what_one_turn_of_the_loop_says_goes_out_in_one_piece_and_in_order() -> None:
    pipe = Pipe()
    box = outbox(pipe)
    assert all(box.add(b"%d " % number) for number in range(5))
    assert pipe.writes == []
    await asyncio.sleep(0)
    assert pipe.writes == [b"0 1 2 3 4 "]
    box.add(b"5")
    await asyncio.sleep(0)
    assert pipe.writes[1:] == [b"5"]


async def test_a_single_frame_is_not_copied() -> None:
    pipe, frame = Pipe(), b"the same bytes for everybody"
    outbox(pipe).add(frame)
    await asyncio.sleep(0)
    assert pipe.writes[0] is frame


async def test_what_the_socket_does_not_take_waits_and_goes_out_in_order() -> None:
    pipe = Pipe()
    box = outbox(pipe)
    pipe.fill()
    for number in range(3):
        box.add(b"%d" % number)
        await asyncio.sleep(0)
    assert pipe.writes == []
    pipe.drain()
    async with asyncio.timeout(PATIENCE):
        await box.empty()
    assert b"".join(pipe.writes) == b"012"


async def test_much_goes_out_in_pieces() -> None:
    pipe = Pipe()
    box = outbox(pipe)
    frames = [bytes([65 + number]) * (PIECE // 3) for number in range(8)]
    for frame in frames:
        box.add(frame)
    async with asyncio.timeout(PATIENCE):
        await box.empty()
    assert b"".join(pipe.writes) == b"".join(frames)
    assert max(map(len, pipe.writes)) <= PIECE


async def test_a_frame_that_is_larger_than_a_piece_goes_out_whole() -> None:
    pipe = Pipe()
    box = outbox(pipe)
    for size in (3 * PIECE, 1, 2 * PIECE):
        assert box.add(b"x" * size)
    async with asyncio.timeout(PATIENCE):
        await box.empty()
    assert [len(piece) for piece in pipe.writes] == [3 * PIECE, 1, 2 * PIECE]


async def test_one_message_more_than_may_wait_is_said_to_be_too_much() -> None:
    pipe = Pipe()
    box = outbox(pipe, max_frames=4)
    pipe.fill()
    assert [box.add(b"x") for _ in range(5)] == [True] * 4 + [False]
    await box.close()


async def test_one_byte_more_than_may_wait_is_said_to_be_too_much() -> None:
    pipe = Pipe()
    box = outbox(pipe, max_bytes=10)
    pipe.fill()
    assert [box.add(b"12345") for _ in range(3)] == [True, True, False]
    await box.close()


async def test_a_long_turn_of_the_loop_overflows_nobody_who_reads() -> None:
    pipe = Pipe()
    box = outbox(pipe, max_frames=4)
    assert all(box.add(b"x") for _ in range(1000))
    await asyncio.sleep(0)
    assert b"".join(pipe.writes) == b"x" * 1000


async def test_a_broken_socket_ends_the_wait() -> None:
    pipe = Pipe()
    box = outbox(pipe)
    pipe.fill()
    box.add(b"x")
    await asyncio.sleep(0)
    pipe.gone = True
    pipe.drain()
    async with asyncio.timeout(PATIENCE):
        await box.empty()
    await box.close()
    assert pipe.writes == []


async def test_a_turn_with_many_sockets_lets_others_in_between() -> None:
    turns, order = Turns(), []
    for number in range(600):
        turns.at_end(lambda number=number: order.append(number))  # type: ignore[misc] # a default, not an argument
    await asyncio.sleep(0)
    assert order == list(range(256))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert order == list(range(600))
