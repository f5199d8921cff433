"""How refusals are counted for the journal."""

from signaling.tally import MOST, OTHERS, Refusals, Tally


def test_the_same_cause_from_the_same_address_is_one_line() -> None:
    tally = Tally()
    assert [tally.add("bad_message", "192.0.2.1") for _ in range(3)] == [True, False, False]
    tally.add("origin", "192.0.2.1")
    tally.add("origin", "2001:db8::1")
    tally.add("origin", "2001:db8::2")
    assert tally.take() == [
        Refusals("bad_message", "192.0.2.1", 3),
        Refusals("origin", "192.0.2.1", 1),
        Refusals("origin", "2001:db8::/64", 2),
    ]


def test_after_it_was_taken_it_begins_anew() -> None:
    tally = Tally()
    tally.add("origin", "192.0.2.1")
    tally.take()
    assert tally.take() == []
    assert tally.add("origin", "192.0.2.2")
    assert tally.take() == [Refusals("origin", "192.0.2.2", 1)]


def test_an_attacker_with_many_addresses_does_not_get_a_line_for_each() -> None:
    tally = Tally()
    for number in range(1000):
        tally.add("connections", f"198.51.{number // 250}.{number % 250}")
    lines = tally.take()
    assert len(lines) == MOST + 1
    assert lines[-1] == Refusals("connections", OTHERS, 1000 - MOST)
