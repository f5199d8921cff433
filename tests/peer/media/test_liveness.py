"""When a connection is lost of which nothing is heard."""

from peer.media.liveness import LATE, SILENCE_LIMIT, Liveness


def test_it_is_lost_when_it_was_silent_for_the_limit() -> None:
    liveness = Liveness(5.0)
    liveness.heard(8.0)
    liveness.heard(7.0)
    assert liveness.next_deadline() == 8.0 + SILENCE_LIMIT
    assert not liveness.is_lost(7.9 + SILENCE_LIMIT)
    assert liveness.is_lost(8.0 + SILENCE_LIMIT)
    assert liveness.silent_for(8.0 + SILENCE_LIMIT) == SILENCE_LIMIT


def test_who_did_not_listen_does_so_for_the_limit_once_more() -> None:
    liveness = Liveness(0.0, limit=10.0)
    woken = 10.0 + LATE + 0.1
    assert not liveness.is_lost(woken)
    assert liveness.next_deadline() == woken + 10.0
    assert not liveness.is_lost(woken + 9.9)
    assert liveness.is_lost(woken + 10.0)
    assert liveness.silent_for(woken + 10.0) == woken + 10.0


def test_what_is_heard_after_waking_counts() -> None:
    liveness = Liveness(0.0, limit=10.0)
    assert not liveness.is_lost(3600.0)
    liveness.heard(3600.1)
    assert liveness.next_deadline() == 3610.1
