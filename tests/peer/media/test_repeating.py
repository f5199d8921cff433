from peer.media.repeating import CALM, FIRST_WAIT, HOPELESS, LONGEST_WAIT, LOSSY, Repeating


def told(repeating: Repeating, lost: float, times: int, now: float = 0.0, *, is_limited: bool = False) -> bool:
    """Report the same loss again and again; return what came of it in the end."""
    for _ in range(times):
        repeating.report(lost, now, is_limited=is_limited)
    return repeating.is_on


def test_a_link_that_loses_by_chance_gets_everything_twice_until_it_is_calm() -> None:
    repeating = Repeating()
    assert not repeating.report(0.0, 0.0, is_limited=False)
    assert told(repeating, 0.05, 10)
    assert told(repeating, (CALM + LOSSY) / 2, 30)
    assert not told(repeating, 0.0, 30)
    assert not told(repeating, (CALM + LOSSY) / 2, 30)


def test_one_bad_report_is_no_bad_link() -> None:
    repeating = Repeating()
    assert not repeating.report(LOSSY * 4, 0.0, is_limited=False)


def test_what_loses_far_too_much_is_not_burdened() -> None:
    assert not told(Repeating(), HOPELESS + 0.1, 50)


def test_a_full_link_gets_nothing_twice_and_is_tried_less_and_less_often() -> None:
    repeating, now, wait = Repeating(), 0.0, FIRST_WAIT
    assert not told(repeating, 0.05, 10, is_limited=True)
    for _ in range(8):
        assert repeating.report(0.05, now, is_limited=False)
        assert not repeating.report(0.05, now, is_limited=True)
        assert not repeating.report(0.05, now + wait - 0.1, is_limited=False)
        now += wait
        wait = min(2 * wait, LONGEST_WAIT)
