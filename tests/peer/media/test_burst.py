from collections.abc import Hashable
from dataclasses import dataclass

from peer.media.burst import HEADER, MOST_SEGMENTS, Burst


@dataclass
class Layout:
    key: Hashable = "layout"
    tag: int = 10
    block: bytes = b"\xbe\xde\x00\x01\x10\x00\x00\x00"
    made: int = 0

    def extensions(self, send_time: int, level: int | None) -> bytes:
        self.made += 1
        return self.block


def burst(*sizes: int, ends: bool = True, marks: bool = True) -> Burst:
    payloads = [bytes([number]) * size for number, size in enumerate(sizes)]
    return Burst(payloads, timestamp=90, send_time=1, ends=ends, marks=marks)


def test_every_payload_lies_between_room_for_its_header_and_for_its_tag() -> None:
    layout = Layout()
    laid = burst(100, 100, 40).laid_out(layout)
    head = HEADER + len(layout.block)
    assert [slot.offset for slot in laid.slots] == [0, head + 110, 2 * (head + 110)]
    assert [slot.length for slot in laid.slots] == [head + 100, head + 100, head + 40]
    for number, slot in enumerate(laid.slots):
        packet = laid.block[slot.offset : slot.offset + slot.length]
        assert packet[HEADER:head] == layout.block
        assert packet[head:] == bytes([number]) * (slot.length - head)
    assert len(laid.block) == 3 * (head + 10) + 240
    assert laid.has_extensions


def test_the_last_packet_of_a_frame_bears_the_marker() -> None:
    def markers(sent: Burst) -> list[int]:
        return [slot.marker for slot in sent.laid_out(Layout()).slots]

    assert markers(burst(5, 5)) == [0, 0x80]
    assert markers(burst(5, 5, ends=False)) == [0, 0]
    assert markers(burst(5, marks=False)) == [0]


def test_equal_packets_go_out_together_and_the_last_of_them_may_be_shorter() -> None:
    laid = burst(30, 100, 100, 40).laid_out(Layout())
    first, second = laid.runs
    assert (first[0], first[3]) == (0, 1)
    assert (second[0], second[1], second[3]) == (first[1], len(laid.block), 3)
    assert second[2] == laid.slots[1].length + 10


def test_no_call_carries_more_packets_than_the_kernel_takes() -> None:
    laid = burst(*[10] * (MOST_SEGMENTS + 3)).laid_out(Layout())
    assert [run[3] for run in laid.runs] == [MOST_SEGMENTS, 3]


def test_viewers_with_equal_extensions_share_what_is_laid_out_and_others_do_not() -> None:
    sent, one, equal, other = burst(10), Layout(), Layout(), Layout(key="other", block=b"")
    assert sent.laid_out(one) is sent.laid_out(equal)
    assert (one.made, equal.made) == (1, 0)
    assert sent.laid_out(other) is not sent.laid_out(one)
    assert not sent.laid_out(other).has_extensions


def test_the_size_of_a_burst_is_that_of_its_payloads() -> None:
    assert burst(10, 20).size == 30
