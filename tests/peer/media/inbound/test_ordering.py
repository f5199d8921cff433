from peer.media.inbound.depacketizing import FORMATS
from peer.media.inbound.ordering import ASTRAY, MOST, MOST_ASKED, TRIES, Gap, Ordering
from peer.media.inbound.packet import RtpPart
from tests.peer.media.inbound.material import packets, vp8_frame

PATIENCE = 2.0  # seconds


def video() -> Ordering:
    return Ordering(FORMATS["vp8"], PATIENCE, asks=True)


def part(number: int, *, timestamp: int = 0, payload: bytes = b"\x80\x00") -> RtpPart:
    return RtpPart(number, timestamp, False, payload, 0.0)


def add(ordering: Ordering, *numbers: int, now: float = 0.0) -> list[int | Gap]:
    for number in numbers:
        ordering.add(part(number), now)
    return taken(ordering, now)


def taken(ordering: Ordering, now: float) -> list[int | Gap]:
    return [one if isinstance(one, Gap) else one.number for one in ordering.take(now)]


def test_what_was_overtaken_is_put_in_order() -> None:
    ordering = video()
    assert add(ordering, 10) == [10]
    assert add(ordering, 12, 13) == []
    assert ordering.stuck_since == 0.0
    assert add(ordering, 11) == [11, 12, 13]
    assert ordering.stuck_since is None


def test_what_comes_twice_or_too_late_is_of_no_use() -> None:
    ordering = video()
    add(ordering, 10, 12)
    assert not ordering.add(part(12), 0.0)
    assert not ordering.add(part(10), 0.0)
    assert not ordering.add(part(9), 0.0)


def test_what_is_missing_is_asked_for_again_and_again_until_it_comes() -> None:
    ordering = video()
    add(ordering, 10, 13)
    assert ordering.ask(0.0) == []
    assert ordering.next_deadline() == ordering.overtaking
    assert ordering.ask(ordering.overtaking) == [11, 12]
    assert ordering.ask(ordering.overtaking) == []
    again = ordering.overtaking + ordering.round_trip
    assert ordering.next_deadline() == again
    add(ordering, 12, now=0.05)
    assert ordering.ask(again) == [11]


def test_nothing_is_asked_for_more_than_a_dozen_times() -> None:
    ordering = video()
    add(ordering, 10, 12)
    times = 0
    for tick in range(1000):
        times += bool(ordering.ask(tick / 100))
    assert times == TRIES
    assert ordering.next_deadline() == PATIENCE


def test_questions_are_of_a_bounded_length() -> None:
    ordering = video()
    add(ordering, 10, 10 + 2 * MOST_ASKED + 1)
    now = ordering.overtaking
    assert ordering.ask(now) == list(range(11, 11 + MOST_ASKED))
    assert len(ordering.ask(now)) == MOST_ASKED
    assert ordering.ask(now) == []


def test_the_round_trip_is_learned_of_what_comes_again() -> None:
    for true in (0.02, 0.5):
        ordering = video()
        for number in range(0, 200, 2):
            now = float(number)
            add(ordering, number + 10, number + 12, now=now)
            first = now + ordering.overtaking
            at = first
            while at < first + true:  # asked too often, while too short a round trip is expected
                ordering.ask(at)
                at += 0.01
            add(ordering, number + 11, now=first + true)
        assert 0.8 * true < ordering.round_trip < 1.3 * true


def test_a_packet_that_does_not_come_is_given_up() -> None:
    ordering = video()
    add(ordering, 10, 13)
    assert taken(ordering, PATIENCE - 0.01) == []
    assert taken(ordering, PATIENCE) == [Gap(2), 13]
    assert ordering.next_deadline() is None


def test_a_stream_that_goes_on_elsewhere_is_followed() -> None:
    ordering = video()
    add(ordering, 10)
    assert add(ordering, 10 + 5 * MOST) == [Gap(MOST), 10 + 5 * MOST]
    assert not ordering.is_astray
    for number in range(ASTRAY):
        assert not ordering.is_astray
        assert add(ordering, 11 + number) == []
    assert ordering.is_astray
    add(ordering, 10 + 5 * MOST + 1)
    assert not ordering.is_astray


def test_it_never_keeps_more_than_it_says() -> None:
    ordering = video()
    add(ordering, 10)
    given = add(ordering, *range(12, 12 + MOST))
    assert given[0] == Gap(1)
    assert len(given) == MOST + 1


def test_sound_waits_and_does_not_ask() -> None:
    ordering = Ordering(FORMATS["opus"], 0.02, asks=False)
    add(ordering, 10, 12)
    assert ordering.next_deadline() == 0.02
    assert taken(ordering, 0.02) == [Gap(1), 12]


def test_a_whole_key_frame_ends_the_wait_for_what_is_before_it() -> None:
    ordering = video()
    add(ordering, 10)
    old, key = vp8_frame(1, is_key=False), vp8_frame(2, is_key=True)
    them = [
        RtpPart(one.number, one.timestamp, one.is_last, one.payload, 0.0)
        for one in packets("vp8", [old, old, key], number=11, timestamp=1000)
    ]
    key_begins = next(index for index, one in enumerate(them) if one.timestamp == them[-1].timestamp)
    for one in [*them[1:key_begins], *reversed(them[key_begins:])]:
        assert ordering.add(one, 0.0)
        skipped = ordering.skip_to_key(one)
        assert (skipped is not None) == (one is them[key_begins])
    assert taken(ordering, 0.0) == [one.number for one in them[key_begins:]]
    assert ordering.skip_to_key(them[-1]) is None  # nothing is missing any more


def test_a_frame_that_is_no_key_frame_or_malformed_does_not_end_the_wait() -> None:
    ordering = video()
    add(ordering, 10)
    for number, payload in ((12, b"\x10\x01"), (14, b"\x90"), (16, b"")):
        one = RtpPart(number, number, True, payload, 0.0)
        ordering.add(one, 0.0)
        assert ordering.skip_to_key(one) is None
