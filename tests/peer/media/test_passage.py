"""The thread that sends what is encoded already: a viewer at the end of a real socket."""

import asyncio

from peer.capture.coded import Coded, Coding
from peer.capture.source import Kind
from peer.media.passage import MOST, Passage
from tests.peer.media.viewing import H264, OPUS, until, viewers

KEY, OTHER = b"\0\0\0\1\x65" + bytes(range(1, 200)) * 80, b"\0\0\0\1\x41" + bytes(range(1, 100))
LIMIT = 30.0  # seconds


class Turns:
    """Waits for what a passage tells."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.told = asyncio.Event()

    def turned(self, _: Passage) -> None:
        self.loop.call_soon_threadsafe(self.told.set)


def picture(number: int, *, key: bool = False) -> Coded:
    return Coded(Kind.VIDEO, KEY if key else OTHER, number * 3000, key)


async def test_a_viewer_is_taken_at_a_key_frame_whose_many_packets_arrive_as_one_frame() -> None:
    turns = Turns()
    passage = Passage(Coding("H264", 320, 180), fps=30, turned=turns.turned)
    try:
        with viewers([H264]) as (ana,):
            passage.await_key(ana.outlet)
            passage.put(picture(0))
            assert passage.outlets == ()
            passage.put(picture(1, key=True))
            assert passage.outlets == (ana.outlet,)
            passage.put(picture(2))
            await ana.until(lambda: len(ana.frames) == 2)
            assert [frame.bitstream for frame in ana.frames] == [KEY, OTHER]
            await until(lambda: len(ana.outlet.bursts) >= 3)  # the key frame in parts; noted after they were sent
            ana.assert_unbroken()
            await turns.told.wait()
            assert (passage.frames_encoded, passage.key_frames_encoded) == (3, 1)
    finally:
        passage.close()


async def test_packets_for_which_there_is_no_room_cost_all_up_to_the_next_key_frame() -> None:
    turns = Turns()
    passage = Passage(Coding("H264"), fps=30, turned=turns.turned)
    try:
        with viewers([H264]) as (ana,):
            passage.await_key(ana.outlet)
            passage.put(picture(0, key=True))
            await ana.next()
            turns.told.clear()
            with ana.outlet.route.lock:  # the thread does not get on
                for number in range(1, MOST + 5):
                    passage.put(picture(number))
                async with asyncio.timeout(LIMIT):
                    await turns.told.wait()
                assert passage.is_behind
                passage.put(picture(MOST + 5, key=True))
                assert not passage.is_behind
            await ana.until(lambda: len(ana.key_numbers()) == 2)
            assert passage.frames_dropped > 0
            ana.assert_unbroken()
    finally:
        passage.close()


async def test_of_sound_only_the_first_packet_bears_the_marker() -> None:
    passage = Passage(Coding("OPUS"), fps=30, turned=lambda _: None)
    try:
        with viewers([OPUS], kind="audio") as (ear,):
            passage.await_key(ear.outlet)
            for number in range(3):
                passage.put(Coded(Kind.AUDIO, b"\xfc\xff\xfe", number * 960, is_key=True))
            await ear.until(lambda: len(ear.frames) == 3)
            assert [packet.marker for packet in ear.packets] == [1, 0, 0]
            ear.assert_unbroken()
    finally:
        passage.close()


async def test_who_no_longer_waits_is_not_taken() -> None:
    passage = Passage(Coding("H264"), fps=30, turned=lambda _: None)
    try:
        with viewers([H264]) as (ana,):
            passage.await_key(ana.outlet)
            passage.remove(ana.outlet)
            passage.put(picture(0, key=True))
            assert passage.outlets == ()
    finally:
        passage.close()
