"""Which feeds deliver nothing any more, after words of Janus may have been lost."""

from peer.topology.janus.doubts import SILENT_LIMIT, Doubts


def test_what_delivers_nothing_for_so_long_is_silent_and_what_delivers_is_not() -> None:
    doubts = Doubts()
    assert doubts.next_deadline() is None
    doubts.begin({1: 40, 2: 7, 3: 0}, now=10.0)
    assert doubts.next_deadline() == 10.0 + SILENT_LIMIT
    assert doubts.silent({1: 40, 2: 7, 3: 0}, now=9.9 + SILENT_LIMIT) == frozenset()
    assert doubts.silent({1: 40, 2: 8, 3: 0}, now=10.0 + SILENT_LIMIT) == {1, 3}
    assert doubts.next_deadline() is None
    assert doubts.silent({1: 40}, now=99.0) == frozenset()


def test_what_we_are_subscribed_to_no_more_or_only_since_is_not_silent() -> None:
    doubts = Doubts()
    doubts.begin({1: 40}, now=0.0)
    assert doubts.silent({2: 0}, now=SILENT_LIMIT) == frozenset()


def test_each_time_that_words_may_have_been_lost_the_whole_time_is_given_again() -> None:
    doubts = Doubts()
    doubts.begin({1: 40}, now=0.0)
    doubts.begin({1: 41}, now=3.0)
    assert doubts.next_deadline() == 3.0 + SILENT_LIMIT
    assert doubts.silent({1: 41}, now=3.0 + SILENT_LIMIT) == {1}


def test_on_a_new_connection_there_is_no_doubt() -> None:
    doubts = Doubts()
    doubts.begin({1: 40}, now=0.0)
    doubts.end()
    assert doubts.next_deadline() is None
    assert doubts.silent({1: 40}, now=SILENT_LIMIT) == frozenset()


def test_what_is_silent_on_a_connection_of_its_own_too_is_not_asked_for_again_until_it_has_delivered() -> None:
    doubts = Doubts()
    doubts.begin({1: 40}, now=0.0)
    assert doubts.silent({1: 40}, now=SILENT_LIMIT) == {1}
    doubts.end()
    doubts.begin({1: 0}, now=20.0)
    assert doubts.silent({1: 0}, now=20.0 + SILENT_LIMIT) == frozenset()
    doubts.begin({1: 3}, now=40.0)
    assert doubts.silent({1: 3}, now=40.0 + SILENT_LIMIT) == {1}
