"""What may be said with which grant: enforced where it is heard, whatever the rest of the message says."""

from itertools import chain, combinations

import pytest

from signaling.grants import objection
from signaling.messages import (
    Ack,
    Answer,
    Candidate,
    Dismiss,
    ErrorCode,
    Join,
    Kick,
    Leave,
    Mute,
    NeedOffer,
    Offer,
    Refreshed,
    RemoteUserUpdate,
    Say,
    UpdateExtra,
)
from signaling.talk import InsideMessage, hear
from signaling.tokens import ALL_GRANTS, Admission
from tests.signaling.scenes import WALL, come, come_back, error, full_room, joined, told

GRANT_SETS = [
    frozenset(some)
    for some in chain.from_iterable(combinations(sorted(ALL_GRANTS), n) for n in range(len(ALL_GRANTS) + 1))
]


def media(direction: str) -> str:
    return f"v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na={direction}\r\n"


TAKES: list[tuple[InsideMessage, set[str]]] = [
    (Offer(user="ben", call="c", sdp=media("sendrecv")), {"publish", "subscribe"}),
    (Offer(user="ben", call="c", sdp=media("sendonly")), {"publish"}),
    (Answer(user="ben", call="c", sdp=media("recvonly")), {"subscribe"}),
    (Answer(user="ben", call="c", sdp=media("inactive")), set()),
    (Offer(user="ben", call="c", sdp="v=0\r\n"), set()),
    (Say(topic="chat"), {"message"}),
    (Say(topic="chat", to="ben"), {"message"}),
]
FREE: list[InsideMessage] = [
    Join(room="42", user="ana"),
    Leave(),
    Ack(seq=1),
    Candidate(user="ben", call="c", candidate=""),
    NeedOffer(user="ben"),
    UpdateExtra(extra={}),
]


@pytest.mark.parametrize("grants", GRANT_SETS, ids=lambda grants: "+".join(sorted(grants)) or "none")
def test_everything_that_takes_a_grant_is_refused_without_it_and_nothing_else(grants: frozenset[str]) -> None:
    for message, takes in TAKES:
        assert (objection(message, grants) is None) == (takes <= grants)
    for message in FREE:
        assert objection(message, grants) is None
    for message in (Kick(user="ben"), Dismiss(), Mute(user="ben", kind="audio")):
        assert (objection(message, grants) is None) == bool({"moderate", "admin"} & grants)


@pytest.mark.parametrize(
    ("message", "about", "grant"),
    [
        (Offer(user="ben", call="c", sdp=media("sendrecv")), "offer", "publish"),
        (Answer(user="ben", call="c", sdp=media("recvonly")), "answer", "subscribe"),
        (Say(topic="chat"), "message", "message"),
        (Kick(user="ben"), "kick", "moderate"),
        (Mute(user="ben", kind="video"), "mute", "moderate"),
        (Dismiss(), "dismiss", "moderate"),
    ],
)
def test_who_may_not_is_told_so_and_nobody_else_hears_of_it(message: InsideMessage, about: str, grant: str) -> None:
    room = full_room("ben")
    come(room, "ana", grants=frozenset())
    effects = hear(room, "ana", message, now=0.0)
    assert len(effects) == 1
    refusal = error(effects, "ana")
    assert (refusal.code, refusal.about) == (ErrorCode.NOT_ALLOWED, about)
    assert refusal.text.endswith(f"the grant {grant}")
    assert not room.is_empty


def test_a_newer_token_counts_at_once_and_the_others_learn_what_concerns_their_media() -> None:
    room = full_room("ben")
    come(room, "ana", extra={"a": 1}, grants=frozenset({"publish", "subscribe", "moderate"}))
    effects = room.refresh(
        "ana", Admission("ana", "42", None, frozenset({"subscribe", "moderate"})), now=0.0, wall=WALL
    )
    assert told(effects, "ana") == [Refreshed(grants=["moderate", "subscribe"])]
    update = RemoteUserUpdate(user="ana", session="ana", seq=3, extra={"a": 1}, grants=["subscribe"])
    assert told(effects, "ben") == [update]
    refusal = error(hear(room, "ana", Offer(user="ben", call="c", sdp=media("sendrecv")), now=0.0), "ana")
    assert refusal.code == ErrorCode.NOT_ALLOWED
    effects = room.refresh("ana", Admission("ana", "42", None, frozenset({"subscribe", "message"})), now=0.0, wall=WALL)
    assert told(effects, "ben") == [], "who may speak is for the server to know"


def test_who_comes_back_with_a_token_for_less_may_do_less() -> None:
    room = full_room("ben")
    come(room, "ana", grants=frozenset({"publish"}))
    effects = come_back(room, "ana")  # with a token for nothing
    (update,) = told(effects, "ben")
    assert isinstance(update, RemoteUserUpdate)
    assert update.grants == []
    assert joined(effects, "ana").grants == []
