"""Decoding on demand: counted by the decoder that is handed in."""

from collections.abc import Sequence

import av

from peer.capture.decoding import MOST_PACKETS, STEP, Decoder, Packet
from peer.capture.input import Frame


class Counting:
    """Decodes each packet to one picture, whose time stamp is the packet's."""

    def __init__(self) -> None:
        self.decoded: list[int | None] = []
        self.flushes = 0

    def decode(self, packet: Packet) -> Sequence[Frame]:
        self.decoded.append(packet.pts)
        frame = av.VideoFrame(16, 16, "yuv420p")
        frame.pts = packet.pts
        return [frame]

    def flush(self) -> None:
        self.flushes += 1


def packet(stamp: int) -> Packet:
    made: Packet = av.Packet(b"\0" * 10)
    made.pts = stamp
    return made


def decoder() -> tuple[Decoder, Counting]:
    counting = Counting()
    return Decoder(counting.decode, counting.flush), counting


def stamps(frames: Sequence[Frame]) -> list[int | None]:
    return [frame.pts for frame in frames]


def test_what_is_wanted_is_decoded_at_once() -> None:
    one, counting = decoder()
    assert [stamps(one.take(packet(n), is_key=n == 0)) for n in range(3)] == [[0], [1], [2]]
    assert counting.decoded == [0, 1, 2]


def test_nothing_is_decoded_while_nobody_wants_it() -> None:
    one, counting = decoder()
    one.turn(on=False)
    assert [one.take(packet(n), is_key=n % 10 == 0) for n in range(100)] == [()] * 100
    assert (one.catch_up(), one.is_behind, counting.decoded) == ((), False, [])


def test_who_wants_it_again_gets_the_newest_picture_decoded_from_the_last_key_frame_on() -> None:
    one, counting = decoder()
    one.turn(on=False)
    for n in range(25):
        one.take(packet(n), is_key=n % 20 == 0)
    one.turn(on=True)
    one.turn(on=True)
    assert one.is_behind
    assert stamps(one.catch_up()) == [24]
    assert (counting.decoded, counting.flushes) == ([20, 21, 22, 23, 24], 1)
    assert stamps(one.take(packet(25), is_key=False)) == [25]


def test_catching_up_is_done_in_steps_and_what_comes_meanwhile_waits_its_turn() -> None:
    one, counting = decoder()
    one.turn(on=False)
    for n in range(STEP + 1):
        one.take(packet(n), is_key=n == 0)
    one.turn(on=True)
    assert one.catch_up() == ()
    assert one.take(packet(STEP + 1), is_key=False) == ()
    assert stamps(one.catch_up()) == [STEP + 1]
    assert counting.decoded == list(range(STEP + 2))


def test_who_wants_it_no_more_has_nothing_to_catch_up() -> None:
    one, counting = decoder()
    one.turn(on=False)
    one.take(packet(0), is_key=True)
    one.turn(on=True)
    one.turn(on=False)
    assert (one.is_behind, one.catch_up(), counting.decoded) == (False, (), [])


def test_after_a_break_the_next_key_frame_is_waited_for() -> None:
    one, counting = decoder()
    one.turn(on=False)
    one.take(packet(0), is_key=True)
    one.begin_anew()
    one.take(packet(1), is_key=False)
    one.turn(on=True)
    assert (one.is_behind, counting.decoded) == (False, [])


def test_what_is_kept_is_bounded() -> None:
    one, _ = decoder()
    one.turn(on=False)
    for n in range(MOST_PACKETS + 10):
        one.take(packet(n), is_key=n == 0)
    one.turn(on=True)
    assert not one.is_behind
