import pytest

from signaling.rates import KEPT, Bucket, Rates


def test_a_burst_is_let_through_and_then_the_rate() -> None:
    bucket = Bucket(rate=10, burst=3, now=0.0)
    assert [bucket.take(0.0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(0.0) == pytest.approx(0.1)
    assert bucket.take(0.1) == pytest.approx(0.1)
    assert bucket.take(10.0) == 0


def test_a_bucket_holds_no_more_than_the_burst() -> None:
    bucket = Bucket(rate=10, burst=2, now=0.0)
    assert [bucket.take(1000.0) for _ in range(3)] == [0, 0, pytest.approx(0.1)]


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    bucket = Bucket(rate=1, burst=2, now=100.0)
    assert [bucket.take(50.0), bucket.take(50.0)] == [0, 0]


def test_a_rate_of_zero_is_no_limit() -> None:
    bucket = Bucket(rate=0, burst=1, now=0.0)
    assert [bucket.take(0.0) for _ in range(1000)] == [0] * 1000
    assert all(bucket.may(0.0) for _ in range(1000))


def test_what_is_refused_has_not_happened() -> None:
    bucket = Bucket(rate=1, burst=1, now=0.0)
    assert bucket.may(0.0)
    assert not any(bucket.may(0.5) for _ in range(100))
    assert bucket.may(1.0)


def test_each_key_has_its_own_bucket() -> None:
    rates = Rates(rate=1, burst=2)
    assert [rates.may("a", 0.0) for _ in range(3)] == [True, True, False]
    assert rates.may("b", 0.0)
    assert rates.may("a", 1.0)


def test_a_rate_of_zero_remembers_nobody() -> None:
    rates = Rates(rate=0, burst=1)
    assert all(rates.may(str(number), 0.0) for number in range(100))
    assert len(rates) == 0


def test_who_has_done_nothing_for_long_is_forgotten() -> None:
    rates = Rates(rate=1, burst=1)
    for number in range(KEPT):
        rates.may(str(number), 0.0)
    assert rates.may("later", 1000.0)
    assert len(rates) == 1


def test_who_has_used_up_something_is_remembered_however_many_come() -> None:
    rates = Rates(rate=0.001, burst=1)
    for number in range(2 * KEPT + 1):
        assert rates.may(str(number), 0.0)
    assert not rates.may("0", 1.0)
    assert len(rates) == 2 * KEPT + 1
