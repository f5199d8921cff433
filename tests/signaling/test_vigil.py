import pytest

from signaling.config import SignalingConfig
from signaling.vigil import LONGEST, Signs, Verdict, judge, pause


def test_a_silent_client_is_pinged_once_and_then_given_up() -> None:
    signs = Signs(heard=100.0)
    assert judge(signs, 4.0, 103.9) is Verdict.FINE
    assert judge(signs, 4.0, 104.0) is Verdict.PING
    signs.pinged = 104.0
    assert judge(signs, 4.0, 105.9) is Verdict.FINE
    assert judge(signs, 4.0, 106.0) is Verdict.SILENT


def test_an_answer_begins_anew() -> None:
    signs = Signs(heard=105.0, pinged=104.0)
    assert judge(signs, 4.0, 108.9) is Verdict.FINE
    assert judge(signs, 4.0, 109.0) is Verdict.PING


def test_without_a_heartbeat_nobody_is_too_silent() -> None:
    assert judge(Signs(heard=0.0), 0.0, 1e9) is Verdict.FINE


def test_who_does_not_join_in_time_is_too_slow_however_much_it_says() -> None:
    signs = Signs(heard=9.9, join_by=10.0)
    assert judge(signs, 5.0, 9.99) is Verdict.FINE
    assert judge(signs, 5.0, 10.0) is Verdict.TOO_SLOW
    assert judge(signs, 0.0, 10.0) is Verdict.TOO_SLOW


@pytest.mark.parametrize(
    ("heartbeat", "join_timeout", "seconds"),
    [(0.4, 0.0, 0.05), (4.0, 1.6, 0.2), (60.0, 60.0, LONGEST), (0, 0, LONGEST)],
)
def test_the_looks_are_close_enough_for_the_shortest_limit(
    heartbeat: float, join_timeout: float, seconds: float
) -> None:
    assert pause(SignalingConfig(heartbeat=heartbeat, join_timeout=join_timeout)) == pytest.approx(seconds)
