"""Whose media we are subscribed to: by our roster and Janus' feeds, one change at a time."""

from peer.topology.janus.feeds import RETRY_MAX, RETRY_MIN, Change, Feeds, Route
from signaling.janus.videoroom import Stream
from signaling.messages import janus_id

ANA, BO, CY = (janus_id(session) for session in ("s-ana", "s-bo", "s-cy"))


def in_room(**options: object) -> Feeds:
    """Return what knows ana and bo."""
    feeds = Feeds(**options)
    feeds.add("ana", "s-ana")
    feeds.add("bo", "s-bo")
    return feeds


def sorted_change(*subscribe: int, unsubscribe: tuple[int, ...] = ()) -> Change:
    return Change(tuple(sorted(subscribe)), tuple(sorted(unsubscribe)))


def test_feeds_of_the_users_who_are_here_are_subscribed_to_all_at_once() -> None:
    feeds = in_room()
    assert feeds.next_change(0) is None
    feeds.listed(feed for feed in (ANA, BO))
    change = feeds.next_change(0)
    assert change == sorted_change(ANA, BO)
    feeds.done(change)
    assert feeds.next_change(0) is None
    assert feeds.next_deadline() is None


def test_a_feed_that_is_nobodys_is_left_alone_until_our_server_says_whose_it_is() -> None:
    feeds = in_room()
    feeds.published([CY])
    assert feeds.next_change(0) is None
    feeds.add("cy", "s-cy")
    assert feeds.next_change(0) == Change((CY,))


def test_who_may_send_us_nothing_is_left_alone() -> None:
    feeds = in_room(receive_from=("bo",))
    feeds.published([ANA, BO])
    assert feeds.next_change(0) == Change((BO,))


def test_the_feed_of_one_who_has_left_is_subscribed_to_no_more() -> None:
    feeds = in_room()
    feeds.published([ANA, BO])
    feeds.done(sorted_change(ANA, BO))
    feeds.remove("ana")
    change = feeds.next_change(0)
    assert change == Change((), (ANA,))
    feeds.done(change)
    assert feeds.next_change(0) is None


def test_a_feed_that_janus_has_ended_need_not_be_ended_and_is_subscribed_to_anew_when_it_is_back() -> None:
    feeds = in_room()
    feeds.published([ANA])
    feeds.done(Change((ANA,)))
    feeds.gone(ANA)
    assert feeds.next_change(0) is None
    feeds.published([ANA])
    assert feeds.next_change(0) == Change((ANA,))


def test_a_feed_that_ended_while_it_was_asked_for_is_asked_for_again_when_it_is_back() -> None:
    feeds = in_room()
    feeds.published([ANA])
    change = feeds.next_change(0)
    feeds.gone(ANA)
    feeds.done(change)
    feeds.published([ANA])
    assert feeds.next_change(0) == Change((ANA,))


def test_a_list_of_all_feeds_ends_those_that_are_not_in_it() -> None:
    feeds = in_room()
    feeds.published([ANA, BO])
    feeds.done(sorted_change(ANA, BO))
    feeds.listed([BO])
    assert feeds.next_change(0) is None
    feeds.listed([ANA, BO])
    assert feeds.next_change(0) == Change((ANA,))


def test_a_feed_that_begins_while_the_list_is_on_its_way_is_there_although_the_list_lacks_it() -> None:
    feeds = in_room()
    feeds.asking()
    feeds.published([ANA])
    feeds.listed([BO])
    assert feeds.next_change(0) == sorted_change(ANA, BO)


def test_a_feed_that_ends_while_the_list_is_on_its_way_is_gone_although_the_list_has_it() -> None:
    feeds = in_room()
    feeds.asking()
    feeds.gone(ANA)
    feeds.listed([ANA, BO])
    assert feeds.next_change(0) == Change((BO,))
    feeds.published([ANA])
    assert feeds.next_change(0) == sorted_change(ANA, BO)


def test_of_a_feed_that_ends_and_begins_while_the_list_is_on_its_way_the_last_word_counts() -> None:
    feeds = in_room()
    feeds.published([ANA])
    feeds.done(Change((ANA,)))
    feeds.asking()
    feeds.gone(ANA)
    feeds.published([ANA])
    feeds.listed([])
    assert feeds.next_change(0) == Change((ANA,))


def test_what_was_told_before_janus_was_asked_again_counts_less_than_its_list() -> None:
    feeds = in_room()
    feeds.asking()
    feeds.published([ANA])
    feeds.listed([])
    feeds.published([BO])
    feeds.asking()
    feeds.listed([])
    assert feeds.next_change(0) is None


def test_without_the_right_to_receive_nothing_is_subscribed_to_any_more() -> None:
    feeds = in_room()
    feeds.published([ANA, BO])
    feeds.done(Change((ANA,)))
    feeds.may_receive = False
    assert feeds.next_change(0) == Change((), (ANA,))
    assert feeds.next_deadline() is None


def test_after_a_refusal_each_is_asked_for_by_itself_so_that_one_keeps_no_other_away() -> None:
    feeds = in_room()
    feeds.published([ANA, BO])
    feeds.refused(feeds.next_change(0), 0)
    first, second = sorted([ANA, BO])
    change = feeds.next_change(0)
    assert change == Change((first,))
    feeds.refused(change, 0)
    assert feeds.next_change(0) == Change((second,))
    feeds.done(Change((second,)))
    assert feeds.next_change(0) is None
    assert feeds.next_deadline() == RETRY_MIN
    assert feeds.next_change(RETRY_MIN) == Change((first,))


def test_what_is_refused_again_and_again_is_asked_for_less_and_less_often() -> None:
    feeds = in_room()
    feeds.published([ANA])
    now, waits = 0.0, []
    for _ in range(7):
        feeds.refused(Change((ANA,)), now)
        due = feeds.next_deadline()
        assert due is not None
        waits.append(due - now)
        now = due
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, RETRY_MAX, RETRY_MAX]


def test_what_could_not_be_ended_has_ended_otherwise() -> None:
    feeds = in_room()
    feeds.published([ANA])
    feeds.done(Change((ANA,)))
    feeds.remove("ana")
    feeds.refused(feeds.next_change(0), 0)
    assert feeds.next_change(0) is None


def test_a_new_connection_is_subscribed_to_nothing() -> None:
    feeds = in_room()
    feeds.published([ANA])
    feeds.done(Change((ANA,)))
    feeds.begin_anew()
    assert feeds.next_change(0) == Change((ANA,))


def stream(mid: str, feed: int | None, kind: str = "video", *, active: bool = True) -> Stream:
    return Stream(mid=mid, type=kind, feed_id=feed, active=active)


def test_each_m_line_leads_to_the_user_whose_feed_it_carries_and_is_told_once() -> None:
    feeds = in_room()
    layout = [stream("0", ANA, "audio"), stream("1", ANA), stream("2", BO)]
    assert feeds.laid_out(layout) == [
        Route("0", ANA, "ana", "audio"),
        Route("1", ANA, "ana", "video"),
        Route("2", BO, "bo", "video"),
    ]
    assert feeds.laid_out(layout) == []


def test_an_m_line_that_is_used_again_leads_to_its_new_user() -> None:
    feeds = in_room()
    feeds.laid_out([stream("0", ANA)])
    feeds.remove("ana")
    assert feeds.laid_out([stream("0", None, active=False)]) == []
    assert feeds.laid_out([stream("0", BO)]) == [Route("0", BO, "bo", "video")]


def test_a_feed_that_was_away_leads_to_its_user_again() -> None:
    feeds = in_room()
    feeds.laid_out([stream("0", ANA)])
    feeds.laid_out([stream("0", ANA, active=False)])
    assert feeds.laid_out([stream("0", ANA)]) == [Route("0", ANA, "ana", "video")]


def test_what_carries_nothing_of_a_users_leads_nowhere() -> None:
    feeds = in_room()
    assert feeds.laid_out([stream("0", CY), stream("1", None), stream("2", ANA, "data")]) == []


def test_what_we_are_subscribed_to_is_carried_by_its_m_lines() -> None:
    feeds = in_room()
    feeds.published([ANA, BO])
    feeds.done(sorted_change(ANA, BO))
    feeds.laid_out([stream("0", ANA, "audio"), stream("1", ANA), stream("2", CY)])
    assert feeds.carried() == {ANA: ["0", "1"], BO: []}
