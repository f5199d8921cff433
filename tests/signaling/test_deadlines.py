from hypothesis import given, strategies as st

from signaling.deadlines import SLACK, Deadlines

keys = st.sampled_from("abcde")
moments = st.integers(0, 20).map(float)


def test_nothing_is_due_of_nothing() -> None:
    deadlines = Deadlines()
    assert deadlines.next() is None
    assert deadlines.take(1e9) == []


def test_what_is_due_is_given_once_and_earliest_first() -> None:
    deadlines = Deadlines()
    for key, due in {"late": 3.0, "early": 1.0, "never yet": 9.0}.items():
        deadlines.set(key, due)
    assert deadlines.take(3.0) == ["early", "late"]
    assert deadlines.take(3.0) == []
    assert deadlines.next() == 9.0


def test_a_later_word_outdates_an_earlier_one() -> None:
    deadlines = Deadlines()
    deadlines.set("a", 1.0)
    deadlines.set("a", 5.0)
    deadlines.set("b", 2.0)
    deadlines.set("b", None)
    assert deadlines.next() == 5.0
    assert deadlines.take(4.0) == []


@given(st.lists(st.tuples(keys, st.none() | moments)), moments)
def test_it_knows_what_a_plain_dictionary_would(said: list[tuple[str, float | None]], now: float) -> None:
    deadlines = Deadlines()
    plain: dict[str, float | None] = {}
    for key, due in said:
        deadlines.set(key, due)
        plain[key] = due
    pending = {key: due for key, due in plain.items() if due is not None}
    assert deadlines.next() == min(pending.values(), default=None)
    assert sorted(deadlines.take(now)) == sorted(key for key, due in pending.items() if due <= now)


def test_a_key_that_changes_its_mind_for_ever_takes_no_room_for_ever() -> None:
    deadlines = Deadlines()
    deadlines.set("flapping", 1e9)
    for turn in range(10_000):
        deadlines.set("flapping", 1e9 - turn)
    assert len(deadlines._heap) <= SLACK + 2
    assert deadlines.take(2e9) == ["flapping"]
