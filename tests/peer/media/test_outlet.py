"""One viewer's stream: its numbering, what it remembers, what it counts."""

import asyncio
import threading

import pytest
from aiortc.rtp import unwrap_rtx

from peer.media.burst import Burst
from peer.media.codecs import Codec
from peer.media.outlet import PAST
from peer.media.route import Scratch
from tests.peer.media.viewing import H264, LIMIT, VP8, Viewer, viewers


def burst(ticks: int, *sizes: int, is_key: bool = False, begins: bool = True, ends: bool = True) -> Burst:
    payloads = [b"\x05" + bytes([number]) * (size - 1) for number, size in enumerate(sizes)]
    return Burst(payloads, ticks, send_time=0, is_key=is_key, begins=begins, ends=ends)


def send(viewer: Viewer, *bursts: Burst) -> None:
    scratch = Scratch()
    for one in bursts:
        viewer.outlet.send(one, scratch)
    viewer.read()


async def test_nothing_is_sent_before_the_beginning_of_a_key_frame() -> None:
    with viewers([H264]) as (viewer,):
        send(viewer, burst(1, 50), burst(2, 50, is_key=True, begins=False))
        assert viewer.packets == []
        send(viewer, burst(3, 50, is_key=True), burst(4, 50))
        assert len(viewer.packets) == 2
        assert not viewer.outlet.awaits_key


async def test_the_numbers_go_on_over_their_wrap_and_so_do_the_times() -> None:
    with viewers([H264]) as (viewer,):
        viewer.outlet._sequence, viewer.outlet._origin = 65_534, 2**32 - 100
        send(viewer, burst(90, 50, 50, is_key=True), burst(110, 50, 50))
        assert [packet.sequence_number for packet in viewer.packets] == [65_534, 65_535, 0, 1]
        assert [packet.timestamp for packet in viewer.packets] == [2**32 - 10] * 2 + [10] * 2
        viewer.assert_unbroken()


async def test_the_first_number_is_in_the_lower_half() -> None:
    for _ in range(20):  # else SRTP's guess of the rollover counter may be wrong if the first packets are lost
        with viewers([H264]) as (viewer,):
            assert viewer.outlet._sequence < 2**15


async def test_the_parts_of_a_frame_have_one_time_and_one_marker() -> None:
    with viewers([H264]) as (viewer,):
        send(viewer, burst(5, 50, 50, is_key=True, ends=False), burst(5, 50, is_key=True, begins=False))
        assert len({packet.timestamp for packet in viewer.packets}) == 1
        assert [packet.marker for packet in viewer.packets] == [0, 0, 1]
        counts = viewer.outlet.counts
        assert (counts.packets_sent, counts.bytes_sent, counts.frames_sent, counts.key_frames_sent) == (3, 150, 1, 1)


async def test_what_was_sent_can_be_found_until_it_is_past(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("peer.media.outlet.time.monotonic", lambda: now)
    with viewers([H264]) as (viewer,):
        outlet = viewer.outlet
        outlet._sequence = 65_535
        first, second = burst(1, 50, 50, is_key=True), burst(2, 50)
        send(viewer, first)
        now += PAST
        send(viewer, second)
        sent, index = outlet.find(0) or pytest.fail("forgotten")
        assert (sent.burst, index) == (first, 1)
        assert sent.timestamp == viewer.packets[1].timestamp
        sent, index = outlet.find(1) or pytest.fail("forgotten")
        assert (sent.burst, index) == (second, 0)
        assert outlet.find(2) is None
        assert outlet.find(65_534) is None
        now += 0.1
        send(viewer, burst(3, 50))
        assert outlet.find(0) is None
        assert outlet.find(1) is not None


async def test_what_was_sent_in_another_codec_is_remembered_with_it() -> None:
    with viewers([VP8, H264]) as (viewer,):
        outlet = viewer.outlet
        number = outlet._sequence
        send(viewer, burst(1, 50, is_key=True))
        outlet.codec = H264
        send(viewer, burst(2, 50, is_key=True))
        assert [packet.payload_type for packet in viewer.packets] == [VP8.payload_type, H264.payload_type]
        found = [outlet.find(number + step & 0xFFFF) for step in range(2)]
        assert [sent.codec for sent, _ in filter(None, found)] == [VP8, H264]


async def test_two_threads_that_send_at_once_do_not_share_a_number() -> None:
    with viewers([H264]) as (viewer,):
        count, start = 100, threading.Barrier(2)

        def run() -> None:
            scratch = Scratch()
            start.wait(LIMIT)
            for ticks in range(count):
                viewer.outlet.send(burst(ticks, 50, 50, is_key=True), scratch)

        threads = [asyncio.to_thread(run) for _ in range(2)]
        await asyncio.gather(*threads)
        await viewer.until(lambda: len(viewer.packets) == 4 * count)
        numbers = [packet.sequence_number for packet in viewer.packets]
        assert len(set(numbers)) == 4 * count


async def test_over_a_link_that_loses_by_chance_everything_is_sent_twice() -> None:
    with viewers([H264]) as (viewer,):
        outlet = viewer.outlet
        outlet.rtx_ssrc = outlet.ssrc + 1_000_000
        for _ in range(20):
            outlet.repeating.report(0.05, 0.0, is_limited=False)
        send(viewer, burst(1, 50, 60, is_key=True), burst(2, 50))
        first, again = viewer.packets, viewer.again
        assert [(packet.payload_type, packet.ssrc) for packet in again] == [(H264.rtx, outlet.rtx_ssrc)] * 3
        whole = [unwrap_rtx(packet, H264.payload_type, outlet.ssrc) for packet in again]
        assert [(one.sequence_number, one.timestamp, one.marker, one.payload) for one in whole] == [
            (one.sequence_number, one.timestamp, one.marker, one.payload) for one in first
        ]
        numbers = [packet.sequence_number for packet in again]
        assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(3)]
        assert (outlet.counts.packets_sent, outlet.counts.bytes_sent) == (3, 160)
        assert (outlet.counts.retransmitted_packets_sent, outlet.counts.retransmitted_bytes_sent) == (3, 160)


async def test_without_rtx_nothing_is_sent_twice() -> None:
    with viewers([Codec("VP8", 96, None)]) as (viewer,):
        viewer.outlet.repeating.is_on = True
        send(viewer, burst(1, 50, is_key=True))
        assert len(viewer.packets) == 1
