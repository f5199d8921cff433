from typing import Any

import pytest

from signaling.calls import RoomSettings
from signaling.config import Duplicate
from signaling.gateways import rmc_requests as ask, rmc_wire as wire
from signaling.gateways.rmc_effects import Effect, Emit, End, Enter, Reply, Tell
from signaling.gateways.rmc_page import IN_JANUS, NO_PASSWORDS, Page
from signaling.members import RoomStatus, UserStatus
from signaling.messages import (
    Ack,
    Dismiss,
    Error,
    ErrorCode,
    ExitRoom,
    IceServers,
    Join,
    Leave,
    Moved,
    NeedOffer,
    Resume,
    Say,
    TokenExpiring,
    UpdateExtra,
)
from signaling.reasons import Reason
from tests.gateways.rtcmulticonnection.test_rmc_stay import BO, BOT, joined, names

SETTINGS = RoomSettings(
    name="lobby", capacity=1, max_age=None, solo_timeout=None, grace=10, duplicate=Duplicate.REPLACE
)
LOBBY = RoomStatus(
    name="lobby", users=[UserStatus(user="bot", session="s", extra={}, unreachable=False, since=0)], settings=SETTINGS
)
OPEN, JOIN = ask.OpenRoom("lobby", {"a": 1}, False), ask.JoinRoom("lobby", {"a": 1}, False)
LEFT = ask.Speak(wire.Envelope("bot", "ana", {"userLeft": True}))
DROPPED = [Emit("extra-data-updated", ("bot", {"is": "bot"})), Emit("user-disconnected", ("bot",))]


def page(**words: Any) -> Page:
    return Page(wire.Handshake(userid="ana", **words))


def inside(*users: Any, opens: bool = False, grants: list[str] | None = None, **words: Any) -> Page:
    one = page(**words)
    one.hear(OPEN if opens else JOIN, None if opens else LOBBY)
    one.hear_room(joined(*users, **({} if grants is None else {"grants": grants})))
    assert one.stay is not None
    return one


def speak(one: Page, to: str, message: object, sender: str = "ana") -> list[Effect]:
    return one.hear(ask.Speak(wire.Envelope(to, sender, message)))


def left(reason: Reason, **facts: Any) -> ExitRoom:
    return ExitRoom(reason=reason, **facts)


def test_a_room_is_there_when_somebody_is_in() -> None:
    flags = {"_room": {"isFull": True, "isPasswordProtected": False}}
    assert page().hear(ask.CheckPresence("lobby"), LOBBY) == [Reply((True, "lobby", flags))]
    kept = RoomStatus(name="lobby", users=[])
    flags = {"_room": {"isFull": False, "isPasswordProtected": False}}
    assert page().hear(ask.CheckPresence("lobby"), kept) == [Reply((False, "lobby", flags))]
    assert page().hear(ask.CheckPresence("lobby")) == [Reply((False, "lobby", flags))]


def test_a_page_enters_with_its_token_and_extra_and_is_answered_when_it_is_in() -> None:
    one = page(token="t")
    assert one.hear(JOIN, LOBBY) == [Enter(Join(room="lobby", user="ana", token="t", extra={"a": 1}))]
    assert one.is_entering
    assert one.hear_room(joined(BOT)) == [Reply((True,))]
    assert not one.is_entering


@pytest.mark.parametrize(
    ("request_", "status", "text"),
    [
        (OPEN, LOBBY, wire.NO_ROOM),
        (JOIN, None, wire.NO_ROOM),
        (ask.OpenRoom("lobby", {}, True), None, NO_PASSWORDS),
    ],
)
def test_what_cannot_be_entered_is_refused(request_: ask.Request, status: RoomStatus | None, text: str) -> None:
    assert page().hear(request_, status) == [Reply((False, text))]


def test_names_that_do_not_fit_are_refused_with_what_does() -> None:
    (reply,) = page().hear(ask.OpenRoom("my room", {}, False))
    assert "no room can be called 'my room'" in reply.args[1]
    (reply,) = Page(wire.Handshake(userid="{a}")).hear(JOIN, LOBBY)
    assert "no user can be called '{a}'" in reply.args[1]


def test_a_room_refuses_in_the_words_of_rtcmulticonnection_where_it_has_some() -> None:
    for code, text in ((ErrorCode.ROOM_FULL, "Room full"), (ErrorCode.BANNED, "ours")):
        one = page()
        one.hear(JOIN, LOBBY)
        assert one.hear_room(Error(code=code, text="ours")) == [Reply((False, text))]
        assert one.stay is None


def test_a_room_in_janus_is_left_at_once() -> None:
    one = page()
    one.hear(JOIN, LOBBY)
    assert one.hear_room(joined(BOT, topology="janus")) == [Tell(Leave()), Reply((False, IN_JANUS))]
    assert one.hear_room(left(Reason.LEFT)) == []


def test_an_answer_that_comes_too_late_is_a_stay_that_is_not_wanted() -> None:
    one = page()
    one.hear(JOIN, LOBBY)
    assert one.give_up() == [Tell(Leave())]
    assert one.hear_room(joined(BOT)) == [Tell(Leave())]
    assert one.stay is None


def test_leaving_is_leaving_and_what_is_said_after_it_says_who_is_gone() -> None:
    one = inside(BOT)
    assert one.hear(LEFT) == [Tell(Leave())]
    assert one.hear(LEFT) == []
    assert speak(one, "bot", {"candidate": "c"}) == [Emit("user-disconnected", ("bot",))]
    assert one.hear(JOIN, LOBBY)[0] == Enter(Join(room="lobby", user="ana", extra={"a": 1}))


def test_who_enters_another_room_leaves_the_former() -> None:
    assert inside(BOT).hear(ask.OpenRoom("other", {}, False))[0] == Tell(Leave())


def test_only_the_owner_who_wanted_that_and_may_closes_the_room_by_leaving() -> None:
    closing = {"auto_close_entire_session": "true"}
    assert inside(BOT, opens=True, **closing).hear(LEFT) == [Tell(Dismiss())]
    assert inside(BOT, **closing).hear(LEFT) == [Tell(Leave())]
    assert inside(BOT, opens=True).hear(LEFT) == [Tell(Leave())]
    assert inside(BOT, opens=True, grants=["publish"], **closing).hear(LEFT) == [Tell(Leave())]


def test_nobody_speaks_for_another() -> None:
    assert names(speak(inside(BOT), "bot", {"userLeft": True}, sender="bot")) == ["logs"]


def test_a_newcomer_asks_the_room_and_a_page_may_ask_one_user() -> None:
    one = inside(BOT)
    asked = names(speak(one, "lobby", {"newParticipationRequest": True}))
    assert (
        asked == ["user-connected", wire.MESSAGE_EVENT] == names(speak(one, "bot", {"newParticipationRequest": True}))
    )


def test_an_extra_is_kept_until_there_is_a_room() -> None:
    one = page(extra='{"b": 2}')
    assert one.extra == {"b": 2}
    assert one.hear(ask.SetExtra({"c": 3})) == []
    assert inside(BOT).hear(ask.SetExtra({"c": 3})) == [Tell(UpdateExtra(extra={"c": 3}))]


def test_closing_the_room_takes_a_grant_and_lets_the_page_leave_everybody() -> None:
    assert page().hear(ask.CloseSession()) == [Reply(())]
    assert names(inside(BOT, grants=["publish"]).hear(ask.CloseSession())) == ["logs"]
    one = inside(BOT)
    assert one.hear(ask.CloseSession()) == [Tell(Dismiss()), *DROPPED, Reply(())]
    assert one.hear_room(left(Reason.DISMISSED)) == []


def test_a_name_changes_outside_of_rooms_only() -> None:
    assert names(inside(BOT).hear(ask.ChangeName("bo"))) == ["logs"]
    one = page()
    assert one.hear(ask.ChangeName("bo")) == [Reply(())]
    assert one.hear(JOIN, LOBBY)[0].join.user == "bo"


def test_questions_are_answered() -> None:
    assert inside(BOT).hear(ask.GetExtra("bot")) == [Reply(({"is": "bot"},))]
    assert page().hear(ask.GetExtra("bot")) == [Reply((wire.NO_USER,))]
    assert page().hear(ask.AskPassword("lobby")) == [Reply((False, "lobby", NO_PASSWORDS))]
    assert page().hear(ask.ListRooms()) == [Reply(([],))]
    assert page().hear(ask.DisconnectWith("bot")) == [Reply(())]
    assert inside(BO).hear(ask.DisconnectWith("bo"))[-1] == Reply(())


def test_the_words_of_the_application_go_to_everybody() -> None:
    assert page().hear(ask.Custom(None, 1)) == []
    assert inside(BOT).hear(ask.Custom(None, 1)) == [Tell(Say(topic="message", data=1))]
    assert inside(BOT).hear(ask.Custom("chat", 1)) == [Tell(Say(topic="chat", data=1))]
    for one in (page(), inside(BOT)):
        assert one.hear(ask.Listen("chat")) == []
        assert one.custom_event == "chat"
        assert names(one.hear(ask.Listen("rtcmulticonnection"))) == ["logs"]


@pytest.mark.parametrize("reason", [Reason.KICKED, Reason.REPLACED, Reason.TOKEN_EXPIRED, Reason.SERVER_SHUTDOWN])
def test_who_is_put_out_leaves_everybody_is_told_why_and_hung_up_on(reason: Reason) -> None:
    effects = inside(BOT).hear_room(left(reason, text="so", seq=4, wants_ack=True))
    assert effects == [*DROPPED, Emit("logs", (f"out of the room: {reason} (so)",)), Tell(Ack(seq=4)), End()]
    assert inside().hear_room(left(reason)) == [Emit("logs", (f"out of the room: {reason}",)), End()]


def test_a_dismissed_room_is_a_closed_session() -> None:
    one = inside(BOT)
    assert one.hear_room(left(Reason.DISMISSED)) == [Emit("closed-entire-session", ("lobby", {"a": 1}))]
    assert one.stay is None


def test_a_page_that_comes_back_goes_on_and_is_dropped_if_it_cannot() -> None:
    assert page().resume(None) == []
    one = inside(BOT)
    assert one.stay is not None
    resume = Resume(session=one.stay.session, secret="x", seq=3)
    assert one.resume("newer") == [Enter(Join(room="lobby", user="ana", token="newer", resume=resume))]
    assert one.hear_room(joined(BOT, resumed=True)) == []
    one.resume(None)
    assert one.hear_room(Error(code=ErrorCode.SESSION_GONE, text="gone")) == [*DROPPED, Reply((False, "gone"))]
    other = inside(BOT)
    other.resume(None)
    assert other.hear_room(left(Reason.KICKED))[-1] == End()


def test_what_a_page_cannot_use_is_not_said_to_it() -> None:
    one = inside(BOT)
    assert one.hear_room(IceServers(ice_servers=[])) == []
    assert one.hear_room(UpdateExtra(extra={"z": 1})) == []
    assert one.extra == {"z": 1}
    assert names(one.hear_room(TokenExpiring(expires_in=5))) == ["logs"]
    assert names(one.hear_room(Error(code=ErrorCode.NOT_ALLOWED, text="no", about="offer"))) == ["logs"]
    assert one.hear_room(Error(code=ErrorCode.NO_SUCH_USER, text="no")) == []
    assert page().hear_room(NeedOffer(user="bot")) == []
    assert one.hear_room(NeedOffer(user="bot")) == []


def test_a_page_can_be_moved_let_go_of_and_taken_over() -> None:
    moved = Moved(
        room="other", user="ana", session="rmc~1", secret="x", ticket="t", seq=1, grace=1, heartbeat=1, users=[]
    )  # fmt: skip
    assert page().hear_room(moved) == []
    assert inside(BOT).hear_room(moved) == DROPPED
    assert inside(BOT).farewell() == DROPPED
    assert page().cast_off() == [End()]
