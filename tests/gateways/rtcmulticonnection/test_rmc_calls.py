import pytest

from signaling.gateways import rmc_wire as wire
from signaling.gateways.rmc_calls import MOST_CANDIDATES, Calls, Link, Phase
from signaling.gateways.rmc_effects import Effect, Emit, Tell
from signaling.messages import Answer, Candidate, NeedOffer, Offer

CALLS = ("ana", "rmc~1", wire.MESSAGE_EVENT)
REQUEST = wire.ParticipationRequest(new_participation_request=True)
OFFER = wire.Description("offer", "v=0 page")
ANSWER = wire.Description("answer", "v=0 page")


def messages(effects: list[Effect]) -> list[object]:
    """Return what is said to the page in the user's name, in short: its first key, or the text."""
    said = [effect.args[0]["message"] for effect in effects if isinstance(effect, Emit) and effect.event == CALLS[2]]
    return [one if isinstance(one, str) else next(iter(one)) for one in said]


def told(effects: list[Effect]) -> list[object]:
    return [effect.message for effect in effects if isinstance(effect, Tell)]


def earlier() -> tuple[Calls, Link]:
    """A user who was there before the page, which has offered."""
    calls, link = Calls(*CALLS), Link("bot", "s", {"is": "bot"}, came_later=False)
    calls.heard_page(link, REQUEST)
    calls.heard_page(link, OFFER)
    return calls, link


def later() -> tuple[Calls, Link]:
    """A user who came after the page, and has offered."""
    calls, link = Calls(*CALLS), Link("bot", "s", {"is": "bot"}, came_later=True)
    calls.heard_user(link, Offer(user="bot", call="s.1", sdp="v=0 bot"))
    return calls, link


def candidate(call: str | None, number: int = 1) -> Candidate:
    return Candidate(user="bot", call=call or "", candidate=f"candidate:{number}", sdp_mid="0")


def test_a_page_that_came_later_is_asked_for_an_offer_and_gets_the_answer() -> None:
    calls, link = Calls(*CALLS), Link("bot", "s", {"is": "bot"}, came_later=False)
    asked = calls.heard_page(link, REQUEST)
    assert messages(asked) == ["newParticipationRequest"]
    assert asked[0] == Emit("user-connected", ("bot",))
    assert messages(calls.heard_page(link, wire.EnableMedia(True, {"a": 1}))) == ["readyForOffer"]
    offered = calls.heard_page(link, OFFER)
    assert offered == [
        Emit("extra-data-updated", ("bot", {"is": "bot"})),
        Tell(Offer(user="bot", call="rmc~1.1", sdp="v=0 page")),
    ]
    assert told(calls.heard_page(link, wire.Trickled("candidate:9", "0", 0))) == [
        Candidate(user="bot", call="rmc~1.1", candidate="candidate:9", sdp_mid="0", sdp_m_line_index=0)
    ]
    assert calls.heard_user(link, candidate(link.call)) == []
    answered = calls.heard_user(link, Answer(user="bot", call="rmc~1.1", sdp="v=0 bot"))
    assert messages(answered) == ["type", "candidate"]
    assert link.phase is Phase.LINKED
    assert messages(calls.heard_user(link, candidate(link.call))) == ["candidate"]


def test_a_page_that_was_there_prepares_before_it_gets_the_offer() -> None:
    calls, link = later()
    again = calls.heard_user(link, Offer(user="bot", call="s.2", sdp="v=0 newer"))
    assert again == []
    assert calls.heard_user(link, candidate("s.2")) == []
    ready = calls.heard_page(link, wire.ReadyForOffer(True))
    assert messages(ready) == ["type", "candidate"]
    assert ready[0].args[0]["message"]["sdp"] == "v=0 newer"
    answered = calls.heard_page(link, ANSWER)
    assert told(answered) == [Answer(user="bot", call="s.2", sdp="v=0 page")]
    assert answered[1] == Emit("extra-data-updated", ("bot", {"is": "bot"}))


def test_a_new_call_drops_the_connection_that_a_page_has() -> None:
    calls, link = later()
    calls.heard_page(link, wire.ReadyForOffer(True))
    anew = calls.heard_user(link, Offer(user="bot", call="s.2", sdp="v=0"))
    assert messages(anew) == [wire.DROP, "enableMedia"]
    calls, link = earlier()
    assert messages(calls.heard_user(link, NeedOffer(user="bot", call=link.call))) == [
        wire.DROP,
        "newParticipationRequest",
    ]


def test_a_missing_offer_is_asked_for_again_but_not_once_there_is_a_connection() -> None:
    calls, link = earlier()
    assert messages(calls.heard_user(link, NeedOffer(user="bot"))) == [wire.DROP, "newParticipationRequest"]
    calls, link = earlier()
    calls.heard_user(link, Answer(user="bot", call="rmc~1.1", sdp="v=0"))
    assert calls.heard_user(link, NeedOffer(user="bot")) == []
    assert calls.heard_user(link, NeedOffer(user="bot", call="rmc~1.0")) == []
    fresh = Link("cy", "t", {}, came_later=False)
    assert calls.heard_user(fresh, NeedOffer(user="cy")) == []


def test_a_page_that_wants_a_connection_described_anew_gets_a_new_one() -> None:
    calls, link = earlier()
    calls.heard_user(link, Answer(user="bot", call="rmc~1.1", sdp="v=0"))
    again = wire.Description("offer", "v=0", renegotiating_peer=True)
    assert messages(calls.heard_page(link, again)) == [wire.DROP, "newParticipationRequest"]
    calls, link = later()
    calls.heard_page(link, wire.ReadyForOffer(True))
    calls.heard_page(link, ANSWER)
    assert told(calls.heard_page(link, again)) == [NeedOffer(user="bot", call="s.1")]


def test_who_was_cut_off_by_the_page_stays_so_until_it_asks() -> None:
    calls, link = later()
    calls.cut(link)
    assert calls.heard_user(link, Offer(user="bot", call="s.2", sdp="v=0")) == []
    assert calls.heard_page(link, wire.Trickled("candidate:1")) == []
    calls, link = earlier()
    calls.cut(link)
    assert calls.heard_user(link, NeedOffer(user="bot")) == []
    assert messages(calls.heard_page(link, REQUEST)) == ["newParticipationRequest"]


def test_what_belongs_to_no_call_is_not_heard() -> None:
    calls, link = earlier()
    assert calls.heard_user(link, Answer(user="bot", call="other", sdp="v=0")) == []
    assert calls.heard_user(link, candidate("other")) == []
    assert calls.heard_user(link, Offer(user="bot", call="s.1", sdp="v=0")) == []
    assert calls.heard_page(link, ANSWER) == []
    assert calls.heard_page(link, wire.ReadyForOffer(True)) == []
    assert calls.heard_page(link, wire.UserLeft(True)) == []


def test_only_so_many_candidates_wait() -> None:
    calls, link = later()
    for number in range(MOST_CANDIDATES + 5):
        calls.heard_user(link, candidate("s.1", number))
    assert len(calls.heard_page(link, wire.ReadyForOffer(True))) == 1 + MOST_CANDIDATES


SECTIONS = "v=0\r\na=group:BUNDLE 0 1\r\nm=audio 9 x\r\na=mid:0\r\nm=application 9 x\r\na=mid:1\r\n"


@pytest.mark.parametrize("has_data", [True, False])
def test_data_channels_are_refused_to_a_page_that_does_not_listen(has_data: bool) -> None:
    calls, link = Calls(*CALLS, has_data=has_data), Link("bot", "s", {}, came_later=True)
    calls.heard_user(link, Offer(user="bot", call="s.1", sdp=SECTIONS))
    (offered,) = calls.heard_page(link, wire.ReadyForOffer(True))
    assert isinstance(offered, Emit)
    assert ("m=application 9" in offered.args[0]["message"]["sdp"]) is has_data
