"""When a loop counts as blocked."""

from peer.silence import LONGEST_TURN, LOOP_LIMIT, TURN, Silence


def turns(silence: Silence, count: int, *, seconds: float = TURN, answered: bool = False) -> Silence:
    for _ in range(count):
        silence.turn(seconds, answered=answered)
    return silence


LIMIT_IN_TURNS = round(LOOP_LIMIT / TURN) + 1


def test_nobody_asks_a_loop_that_has_nothing_to_end() -> None:
    silence = turns(Silence(), 1000)
    assert not silence.is_watched
    assert not silence.is_over_limit
    assert silence.watched_for == 0.0


def test_a_loop_that_is_silent_when_an_exit_is_due_is_blocked_at_the_limit() -> None:
    silence = Silence()
    silence.exit_is_due()
    assert not turns(silence, LIMIT_IN_TURNS - 2).is_over_limit
    assert turns(silence, 2).is_over_limit
    assert silence.watched_for == silence.lasted >= LOOP_LIMIT


def test_a_slow_loop_that_answers_is_never_blocked() -> None:
    silence = Silence()
    silence.exit_is_due()
    for _ in range(100):
        assert not turns(silence, LIMIT_IN_TURNS - 2).is_over_limit
        turns(silence, 1, answered=True)
        assert silence.lasted == 0.0
    assert silence.is_watched


def test_a_signal_is_settled_by_one_answer() -> None:
    silence = Silence()
    silence.signalled()
    assert not turns(silence, 3).is_over_limit
    assert not turns(silence, 1, answered=True).is_watched
    assert not turns(silence, 1000).is_over_limit


def test_a_signal_that_nobody_answers_finds_the_loop_blocked() -> None:
    silence = Silence()
    silence.signalled()
    assert turns(silence, LIMIT_IN_TURNS).is_over_limit


def test_a_signal_in_an_exit_does_not_begin_the_count_anew() -> None:
    silence = Silence()
    silence.exit_is_due()
    turns(silence, LIMIT_IN_TURNS - 2)
    silence.signalled()
    assert turns(silence, 2).is_over_limit


def test_a_process_that_was_stopped_for_an_hour_was_not_silent_for_an_hour() -> None:
    silence = Silence()
    silence.exit_is_due()
    silence.turn(3600.0, answered=False)
    assert silence.lasted == LONGEST_TURN
    assert not silence.is_over_limit


def test_the_limit_can_be_changed_while_an_exit_goes_on() -> None:
    silence = Silence()
    silence.exit_is_due()
    silence.exit_is_due(limit=5.0)
    assert not turns(silence, LIMIT_IN_TURNS).is_over_limit
    assert turns(silence, round(3.0 / TURN) + 1).is_over_limit


def test_a_second_watch_counts_from_nothing() -> None:
    silence = Silence()
    silence.signalled()
    turns(silence, 5)
    turns(silence, 1, answered=True)
    silence.signalled()
    assert (silence.lasted, silence.watched_for) == (0.0, 0.0)
