"""Who offers and which call counts, without a connection."""

from peer.negotiation import CONNECT_LIMIT, Accept, AddCandidate, Ask, Call, Close, Negotiation, Respond
from signaling.messages import Answer, Candidate, NeedOffer, Offer


def offering() -> Negotiation:
    side = Negotiation("me")
    assert side.add("ana", "ana", offers=True, now=0.0) == [Call("ana", "me.1")]
    return side


def answering() -> Negotiation:
    side = Negotiation("me")
    assert side.add("ana", "ana", offers=False, now=0.0) == []
    return side


OFFER = Offer(user="ana", call="ana.1", sdp="v=0")


def test_the_newcomer_offers_and_takes_the_answer_of_that_call_only() -> None:
    side = offering()
    answer = Answer(user="ana", call="me.1", sdp="v=0")
    assert side.heard(Answer(user="ana", call="me.0", sdp="v=0"), 1.0) == []
    assert side.heard(answer, 1.0) == [Accept(answer)]
    assert side.connected("me.1") == []
    assert side.next_deadline() is None


def test_whoever_was_here_answers_and_candidates_of_other_calls_are_ignored() -> None:
    side = answering()
    assert side.heard(OFFER, 1.0) == [Respond(OFFER)]
    candidate = Candidate(user="ana", call="ana.1", candidate="candidate:1")
    assert side.heard(candidate, 1.0) == [AddCandidate(candidate)]
    assert side.heard(Candidate(user="ana", call="ana.0", candidate="candidate:1"), 1.0) == []
    assert side.heard(Answer(user="ana", call="ana.1", sdp="v=0"), 1.0) == []


def test_the_same_offer_twice_is_answered_once_and_a_new_call_replaces_the_old() -> None:
    side = answering()
    side.heard(OFFER, 1.0)
    assert side.heard(OFFER, 1.0) == []
    again = Offer(user="ana", call="ana.2", sdp="v=0")
    assert side.heard(again, 2.0) == [Close("ana.1"), Respond(again)]


def test_nobody_can_take_over_the_call_of_another() -> None:
    side = answering()
    side.add("eve", "eve", offers=False, now=0.0)
    assert side.heard(Offer(user="eve", call="ana.1", sdp="v=0"), 1.0) == []
    assert side.heard(Offer(user="eve", call="me.1", sdp="v=0"), 1.0) == []
    assert side.heard(OFFER, 1.0) == [Respond(OFFER)]


def test_a_flood_of_offers_is_answered_now_and_then_the_newest_only() -> None:
    side = answering()
    flood = [Offer(user="ana", call=f"ana.{number}", sdp="v=0") for number in range(100)]
    assert side.heard(flood[0], 1.0) == [Respond(flood[0])]
    assert [side.heard(offer, 1.1) for offer in flood[1:]] == [[]] * 99
    assert side.next_deadline() == 1.5
    assert side.advance(1.5) == [Close("ana.0"), Respond(flood[99])]


def test_an_offer_that_waits_for_its_answer_is_answered_in_time_whatever_becomes_of_the_call_before() -> None:
    """The side that offers has given that call up: what it says of it, and what it does not, means nothing."""
    again = Offer(user="ana", call="ana.2", sdp="v=0")

    def waiting() -> Negotiation:
        side = answering()
        side.heard(OFFER, 1.0)
        assert side.heard(again, 1.1) == []
        return side

    connected, failed, renewed, resumed, away = (waiting() for _ in range(5))
    connected.connected("ana.1")
    connected.failed("ana.1", 1.2)
    failed.failed("ana.1", 1.2)
    renewed.renew("ana", 1.2)
    resumed.resumed(1.2)
    away.unreachable("ana")
    away.failed("ana.1", 1.2)
    assert away.next_deadline() is None
    away.back("ana", 1.3)
    for side in (connected, failed, renewed, resumed, away):
        assert side.next_deadline() == 1.5
        assert side.advance(1.5)[-1:] == [Respond(again)]


def test_an_offer_from_the_side_that_must_answer_is_ignored() -> None:
    assert offering().heard(OFFER, 1.0) == []


def test_strangers_are_ignored() -> None:
    side = Negotiation("me")
    assert side.heard(OFFER, 0.0) == []
    assert side.remove("ana") == []
    assert side.unreachable("ana") == []
    assert side.back("ana", 0.0) == []
    assert side.connected("x") == []
    assert side.failed("x", 0.0) == []


def test_a_call_that_breaks_is_replaced_by_its_offerer_after_a_growing_delay() -> None:
    side = offering()
    side.connected("me.1")
    assert side.failed("me.1", 10.0) == [Close("me.1")]
    assert side.next_deadline() == 10.5
    assert side.advance(10.4) == []
    assert side.advance(10.5) == [Call("ana", "me.2")]
    assert side.failed("me.2", 11.0) == [Close("me.2")]
    assert side.next_deadline() == 12.0
    assert side.failed("me.1", 11.0) == []


def test_a_call_that_does_not_come_about_in_time_is_replaced() -> None:
    side = offering()
    assert side.advance(CONNECT_LIMIT) == [Close("me.1")]
    assert side.advance(CONNECT_LIMIT + 0.5) == [Call("ana", "me.2")]


def test_the_answering_side_asks_for_a_new_offer_and_asks_again() -> None:
    side = answering()
    side.heard(OFFER, 0.0)
    side.connected("ana.1")
    assert side.failed("ana.1", 5.0) == [Close("ana.1"), Ask(NeedOffer(user="ana", call="ana.1"))]
    assert side.next_deadline() == 5.0 + CONNECT_LIMIT
    assert side.advance(5.0 + CONNECT_LIMIT) == [Ask(NeedOffer(user="ana"))]


def test_an_offer_that_never_comes_is_asked_for() -> None:
    side = answering()
    assert side.advance(CONNECT_LIMIT) == [Ask(NeedOffer(user="ana"))]


def test_a_new_offer_follows_a_complaint_about_this_call_only_and_after_a_delay() -> None:
    side = offering()
    assert side.heard(NeedOffer(user="ana", call="me.0"), 1.0) == []
    assert side.heard(NeedOffer(user="ana", call="me.1"), 1.0) == [Close("me.1")]
    assert side.heard(NeedOffer(user="ana"), 1.0) == []
    assert side.advance(1.5) == [Call("ana", "me.2")]
    assert side.heard(NeedOffer(user="ana"), 2.0) == [Close("me.2")]
    assert side.advance(3.0) == [Call("ana", "me.3")]
    side.connected("me.3")
    assert side.heard(NeedOffer(user="ana"), 4.0) == []
    assert answering().heard(NeedOffer(user="ana"), 1.0) == []


def test_nothing_is_tried_with_the_unreachable_and_all_is_renewed_when_they_are_back() -> None:
    side = offering()
    assert side.unreachable("ana") == []
    assert side.next_deadline() is None
    assert side.failed("me.1", 3.0) == [Close("me.1")]
    assert side.next_deadline() is None
    assert side.back("ana", 4.0) == [Call("ana", "me.2")]
    side.connected("me.2")
    side.unreachable("ana")
    assert side.back("ana", 5.0) == []


def test_an_unreachable_side_that_must_offer_is_given_time_when_it_is_back() -> None:
    side = answering()
    side.unreachable("ana")
    assert side.heard(OFFER, 1.0) == [Respond(OFFER)]
    assert side.next_deadline() is None
    assert side.back("ana", 2.0) == []
    assert side.next_deadline() == 2.0 + CONNECT_LIMIT


def test_after_our_own_resume_what_is_not_connected_is_offered_again() -> None:
    side = offering()
    side.add("bo", "bo", offers=True, now=0.0)
    side.add("cy", "cy", offers=False, now=0.0)
    side.add("di", "di", offers=True, now=0.0)
    side.connected("me.2")
    side.unreachable("di")
    assert side.resumed(5.0) == [Close("me.1"), Call("ana", "me.4")]


def test_whoever_leaves_takes_the_call_along_and_a_new_session_starts_anew() -> None:
    side = offering()
    assert side.remove("ana") == [Close("me.1")]
    assert side.next_deadline() is None
    side.add("ana", "ana", offers=True, now=1.0)
    assert side.add("ana", "ana", offers=False, now=2.0) == [Close("me.2")]


def test_where_something_else_may_flow_a_call_is_replaced_at_once() -> None:
    side = offering()
    side.connected("me.1")
    assert side.renew("ana", 5.0) == [Close("me.1"), Call("ana", "me.2")]
    assert side.heard(NeedOffer(user="ana", call="me.1"), 5.0) == [], "that is seen to"
    other = answering()
    other.heard(OFFER, 1.0)
    assert other.renew("ana", 5.0) == [Close("ana.1"), Ask(NeedOffer(user="ana", call="ana.1"))]
    assert other.next_deadline() == 5.0 + CONNECT_LIMIT
    assert other.renew("ana", 5.0) == other.renew("nobody", 5.0) == []


def test_with_somebody_who_is_away_a_call_is_replaced_on_their_coming_back() -> None:
    side = offering()
    side.connected("me.1")
    side.unreachable("ana")
    assert side.renew("ana", 5.0) == [Close("me.1")]
    assert side.next_deadline() is None
    assert side.back("ana", 6.0) == [Call("ana", "me.2")]
