import heapq
import math
import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from peer.media.encoded import EncodedFrame
from peer.media.inbound import Ledger, Reception, SenderClock, Step
from peer.media.inbound.flow import Freeze
from peer.media.inbound.ordering import ASTRAY, MOST
from peer.media.inbound.reception import PICTURE_PATIENCE, SILENCE
from tests.peer.media.inbound.material import OnTheWire, frames, packets

STUCK_LIMIT = 0.6  # seconds within which a picture that stands still asks for a key frame


def reception(codec: str = "vp8", kind: str = "video", rate: int = 90_000) -> Reception:
    return Reception(kind, codec, rate, Ledger(), SenderClock())


class Link:
    """Plays packets to a reception, in the order of their arrival, with a clock of its own."""

    def __init__(self, codec: str = "vp8") -> None:
        self.reception = reception(codec)
        self.frames: list[EncodedFrame] = []
        self.asked: list[tuple[float, int]] = []
        self.keys: list[float] = []
        self.freezes: list[Freeze] = []
        self.now = 0.0

    def arrive(self, packet: OnTheWire, at: float) -> None:
        self.until(at)
        self._note(self.reception.packet(packet.number, packet.timestamp, packet.is_last, packet.payload, self.now))

    def until(self, at: float) -> None:
        """Let time pass, and do what is due meanwhile."""
        for _ in range(10_000):
            due = self.reception.next_deadline()
            if due is None or due > at:
                self.now = max(self.now, at)
                return
            self.now = max(self.now, due)
            self._note(self.reception.advance(self.now))
        raise AssertionError("what is due never ends")

    def _note(self, step: Step) -> None:
        self.frames += step.frames
        self.asked += [(self.now, number) for number in step.missing]
        self.keys += [self.now] if step.wants_key else []
        self.freezes += step.freezes


def play(link: Link, them: list[OnTheWire], is_lost: Callable[[OnTheWire], bool] = lambda _: False) -> None:
    for packet in them:
        if not is_lost(packet):
            link.arrive(packet, packet.sent_at)


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_what_was_sent_comes_out(codec: str) -> None:
    link, sent = Link(codec), frames(codec, 60, every=20)
    play(link, packets(codec, sent))
    assert [frame.payload for frame in link.frames] == sent
    assert {(frame.kind, frame.codec, frame.clock_rate) for frame in link.frames} == {("video", codec, 90_000)}
    stamps = [frame.timestamp for frame in link.frames]
    assert stamps == [stamps[0] + index * 3000 for index in range(60)]  # RTP's own have wrapped on the way
    assert (link.asked, link.keys, link.freezes) == ([], [], [Freeze.FIRST])
    counts = link.reception.counts
    assert (counts.frames_received, counts.key_frames, counts.packets_lost, counts.nack_count) == (60, 3, 0, 0)
    assert counts.packets_received == len(packets(codec, sent))
    assert counts.jitter < 1e-4


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["vp8", "h264"]),
    st.integers(0, 65_535),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32),
    st.floats(0, 0.5),
    st.floats(0, 0.2),
    st.floats(0, 0.2),
)
def test_of_what_is_lost_late_and_doubled_only_whole_frames_come_out_and_in_order(
    codec: str, number: int, timestamp: int, seed: int, loss: float, late: float, doubled: float
) -> None:
    sent = frames(codec, 40, every=10)
    link, chance = Link(codec), random.Random(seed)
    arrivals = []
    for packet in packets(codec, sent, number, timestamp):
        if chance.random() >= loss:
            times = 2 if chance.random() < doubled else 1
            arrivals += [(packet.sent_at + chance.random() * late, packet.number, packet) for _ in range(times)]
    for at, _, packet in sorted(arrivals, key=lambda one: one[:2]):
        link.arrive(packet, at)
    link.until(10.0)
    out = [sent.index(frame.payload) for frame in link.frames]  # none that was not sent
    assert out == sorted(set(out))
    stamps = [frame.timestamp for frame in link.frames]
    assert stamps == sorted(set(stamps))
    for before, after, frame in zip([-1, *out], out, link.frames, strict=False):
        assert after == before + 1 or (frame.is_key and (frame.follows_gap or before < 0))


def test_a_packet_that_is_lost_and_comes_again_costs_no_frame() -> None:
    link, sent = Link(), frames("vp8", 40, every=100)
    them = packets("vp8", sent)
    lost = them[50]
    for packet in them:
        if packet is not lost:
            link.arrive(packet, packet.sent_at)
        if link.asked and lost.number in {number for _, number in link.asked} and lost is not them[0]:
            link.arrive(lost, link.now)
    assert [frame.payload for frame in link.frames] == sent
    assert {number for _, number in link.asked} == {lost.number}
    assert link.reception.counts.packets_lost == 0
    assert link.keys == []
    assert not any(frame.follows_gap for frame in link.frames)


def test_a_stuck_picture_asks_for_a_key_frame_in_time_and_again_until_one_comes() -> None:
    link, sent = Link(), frames("vp8", 300, every=1000)
    them = packets("vp8", sent)
    lost_at = them[200].sent_at
    play(link, them, lambda packet: packet is them[200])
    assert 0 < link.keys[0] - lost_at < STUCK_LIMIT
    pauses = [after - before for before, after in zip(link.keys, link.keys[1:], strict=False)]
    assert len(pauses) > 10
    assert max(pauses) < STUCK_LIMIT
    assert link.reception.counts.pli_count == len(link.keys)
    shown = len(link.frames)
    key = packets("vp8", frames("vp8", 1, every=1), (them[-1].number + 1) % 65_536, them[-1].timestamp + 3000)
    for packet in key:
        link.arrive(packet, link.now)
    (whole,) = link.frames[shown:]
    assert (whole.is_key, whole.follows_gap) == (True, True)
    assert link.freezes == [Freeze.FIRST, Freeze.FROZEN, Freeze.RESUMED]
    assert link.reception.counts.freeze_count == 1
    assert link.reception.counts.packets_lost > 0


@pytest.mark.parametrize(("loss", "longest"), [(0.01, 0.25), (0.05, 0.4), (0.1, STUCK_LIMIT)])
def test_where_what_is_lost_comes_again_every_frame_comes_and_no_freeze_is_long(loss: float, longest: float) -> None:
    link, chance, delay = Link(), random.Random(7), 0.03
    sent = frames("vp8", 30 * 30, every=10_000)
    them = packets("vp8", sent)
    by_number = {packet.number: packet for packet in them}
    spared = {packet.number for packet in them[:20] + them[-20:]}  # so that it begins and ends
    arrives = [packet for packet in them if chance.random() >= loss or packet.number in spared]
    coming = [(packet.sent_at + delay, packet.number) for packet in arrives]
    heapq.heapify(coming)
    shown: list[float] = []
    while coming:
        due = link.reception.next_deadline()
        if due is not None and due < coming[0][0]:
            link.until(due)
        else:
            at, number = heapq.heappop(coming)
            link.arrive(by_number[number], max(at, link.now))
        shown += [link.now] * (len(link.frames) - len(shown))
        for at, number in link.asked:  # the question gets lost as often as the answer
            if chance.random() >= loss and chance.random() >= loss:
                heapq.heappush(coming, (at + 2 * delay, number))
        link.asked.clear()
    assert [frame.payload for frame in link.frames] == sent
    assert max(after - before for before, after in pairwise(shown)) < longest


def test_a_key_frame_that_comes_ends_the_wait_at_once() -> None:
    link, sent = Link(), frames("vp8", 60, every=30)
    them = packets("vp8", sent)
    play(link, them, lambda packet: packet is them[100])
    assert [frame.payload for frame in link.frames][-30:] == sent[30:]
    assert them[100].sent_at + PICTURE_PATIENCE > link.now  # it was not given up for its age


def test_what_is_given_up_is_asked_for_no_more_and_a_sender_who_is_silent_neither() -> None:
    link, sent = Link(), frames("vp8", 30, every=100)
    them = packets("vp8", sent)
    play(link, them, lambda packet: packet is them[60])
    end = them[-1].sent_at
    link.until(end + 60)
    assert link.keys
    assert link.keys[-1] < end + SILENCE
    assert link.asked[-1][0] < end + PICTURE_PATIENCE
    assert link.reception.next_deadline() is None


def test_a_program_that_wants_a_key_frame_does_not_ask_twice_in_a_moment() -> None:
    one = reception()
    assert [one.key_wanted(now) for now in (1.0, 1.1, 1.5)] == [True, False, True]
    assert one.counts.pli_count == 2


def test_a_stream_that_begins_between_key_frames_asks_for_one() -> None:
    link, sent = Link(), frames("vp8", 20, every=100)
    play(link, packets("vp8", sent[1:]))
    assert link.frames == []
    assert link.keys[0] < 0.1
    assert link.reception.counts.frames_dropped == 19


def test_pictures_are_put_on_our_clock_by_the_senders_reports() -> None:
    link = Link()
    them = packets("vp8", frames("vp8", 3, every=1), timestamp=0)
    play(link, them)
    assert not any(frame.is_mapped for frame in link.frames)
    link.reception.reported(3.9e9, them[0].timestamp, 0.05)
    link.arrive(
        packets(
            "vp8",
            frames(
                "vp8",
                1,
                every=1,
            ),
            them[-1].number + 1,
            9000,
        )[0],
        0.2,
    )
    for packet in packets("vp8", frames("vp8", 1, every=1), them[-1].number + 1, 9000)[1:]:
        link.arrive(packet, 0.2)
    assert link.frames[-1].is_mapped
    assert math.isclose(link.frames[-1].time, 0.15, abs_tol=1e-6)


def test_sound_is_put_in_order_and_what_is_lost_is_told() -> None:
    one = reception("opus", "audio", 48_000)
    out: list[EncodedFrame] = []
    for number in (65_533, 65_534, 0, 65_535, 2, 3):
        count = (number - 65_533) % 65_536
        step = one.packet(number, 960 * count, False, bytes([count + 1]), 1.0 + 0.015 * count)
        out += step.frames
        assert (step.missing, step.wants_key) == ([], False)
    due = one.next_deadline()
    assert due is not None
    assert due < 1.3
    out += one.advance(due).frames
    assert [frame.payload[0] for frame in out] == [1, 2, 3, 4, 6, 7]
    assert [frame.follows_gap for frame in out] == [False, False, False, False, True, False]
    assert all(frame.is_key for frame in out)
    assert (one.counts.packets_lost, one.counts.key_frames, one.counts.nack_count) == (1, 0, 0)


def test_a_burst_of_sound_that_was_held_up_does_not_make_later_sound_late() -> None:
    one = reception("opus", "audio", 48_000)
    for count in range(50):
        at = 1.0 if 10 <= count < 40 else 1.0 + 0.02 * (count - 40) if count >= 40 else 0.02 * count
        (frame,) = one.packet(count, 960 * count, False, b"opus", at).frames
        assert frame.timestamp - 2**32 == 960 * count
    assert one.next_deadline() is None


def test_a_sender_who_counts_from_elsewhere_is_noticed() -> None:
    one = reception()
    one.packet(30_000, 0, False, b"\x10\x00", 0.0)
    for count in range(ASTRAY):
        assert not one.is_astray
        one.packet(30_000 - 2 * MOST + count, 0, False, b"\x10\x00", 0.1)
    assert one.is_astray
    assert one.counts.packets_discarded == ASTRAY


def test_what_was_counted_and_seen_goes_on_with_the_next_stream() -> None:
    ledger = Ledger()
    for ssrc in range(2):
        one = Reception("video", "vp8", 90_000, ledger, SenderClock())
        for packet in packets("vp8", frames("vp8", 3, every=1)):
            step = one.packet(packet.number, packet.timestamp, packet.is_last, packet.payload, ssrc + packet.sent_at)
            assert (Freeze.FIRST in step.freezes) <= (ssrc == 0)
    assert ledger.counts.frames_received == 6
    assert ledger.counts.freeze_count == 1
