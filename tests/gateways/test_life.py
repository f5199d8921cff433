"""When a WHIP or WHEP connection is over."""

from peer.gateways.life import CONNECT_LIMIT, End, Life, Phase
from signaling.reasons import Reason

LIMIT = 10.0  # seconds


def live(now: float = 1.0) -> Life:
    life = Life(0.0, silence_limit=LIMIT)
    life.connected(now)
    return life


def test_what_is_never_connected_is_lost() -> None:
    life = Life(5.0, silence_limit=LIMIT)
    assert life.next_deadline() == 5.0 + CONNECT_LIMIT
    assert life.advance(4.0 + CONNECT_LIMIT) is None
    assert life.advance(5.0 + CONNECT_LIMIT) == End(Reason.NETWORK_LOST, "it was never connected", CONNECT_LIMIT)
    assert (life.phase, life.next_deadline()) == (Phase.OVER, None)


def test_what_fails_before_it_is_connected_is_lost() -> None:
    end = Life(0.0).closed(2.0)
    assert end is not None
    assert end.reason is Reason.NETWORK_LOST


def test_silence_is_counted_from_what_was_heard_last() -> None:
    life = live()
    life.heard(4.0)
    life.heard(3.0)
    assert life.next_deadline() == 4.0 + LIMIT
    assert life.advance(3.9 + LIMIT) is None
    assert life.advance(4.5 + LIMIT) == End(Reason.NETWORK_LOST, "nothing was heard for 10.5 s", 10.5)


def test_a_server_that_was_stopped_has_not_heard_silence() -> None:
    life = live()
    assert life.advance(3600.0) is None
    assert life.phase is Phase.LIVE
    assert life.next_deadline() == 3600.0 + LIMIT
    assert life.advance(3600.0 + LIMIT) is not None


def test_who_closes_properly_has_left() -> None:
    life = live()
    life.heard(7.0)
    assert life.closed(8.0) == End(Reason.LEFT, "it was closed at the other end")


def test_a_connection_that_ends_by_itself_after_a_long_silence_is_lost() -> None:
    end = live().closed(2.0 + LIMIT)
    assert end is not None
    assert (end.reason, end.silent_for) == (Reason.NETWORK_LOST, 1.0 + LIMIT)


def test_it_ends_once() -> None:
    life = live()
    assert life.closed(2.0) is not None
    assert life.closed(3.0) is None
    assert life.advance(100.0) is None
    life.connected(4.0)
    assert life.phase is Phase.OVER
