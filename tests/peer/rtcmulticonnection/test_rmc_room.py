"""A room of a real RTCMultiConnection-Server, told as one of ours."""

from typing import Any

import pytest

from peer.rtcmulticonnection.room import UNKNOWN, Emit, RmcRoom, Tell
from signaling import messages as wire
from signaling.gateways import rmc_wire as rmc
from signaling.messages import ErrorCode
from signaling.reasons import Detection, Reason

EXTRA = {"is": "ana"}
OFFER, ANSWER = {"type": "offer", "sdp": "v=0 offer"}, {"type": "answer", "sdp": "v=0 answer"}
CANDIDATE = {"candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0}
REQUEST = {"newParticipationRequest": True}
READY = {"readyForOffer": True, "userPreferences": {}}
ENABLE = {"enableMedia": True, "userPreferences": {"a": 1}}


def entered() -> RmcRoom:
    room = RmcRoom("lobby", "bot", {"is": "bot"})
    room.enter(10.0)
    return room


def hear(room: RmcRoom, message: Any, sender: str = "ana", to: str = "bot", extra: object = EXTRA) -> list[Any]:
    said = {"remoteUserId": to, "sender": sender, "message": message, "extra": extra}
    return list(room.hear(rmc.MESSAGE_EVENT, (said,)))


def to_ana(message: Any) -> Emit:
    return Emit(rmc.MESSAGE_EVENT, {"remoteUserId": "ana", "sender": "bot", "message": message})


def joined(session: str, seq: int) -> Tell:
    return Tell(wire.RemoteUserJoin(user="ana", session=session, seq=seq, extra=EXTRA))


def left(session: str, seq: int, reason: Reason, by: Detection) -> Tell:
    leave = wire.RemoteUserLeave(user="ana", session=session, seq=seq, reason=reason, detected_by=by, extra=EXTRA)
    return Tell(leave)


def test_who_enters_knows_nobody_and_asks_everybody() -> None:
    room = RmcRoom("lobby", "bot", {})
    told, first = room.enter(7.0)
    assert (told.room, told.user, told.grace, told.users, told.ticket, told.resumed) == (
        "lobby",
        "bot",
        7.0,
        [],
        "",
        False,
    )
    request = rmc.participation_request(is_data_only=False)
    assert first == [Emit(rmc.MESSAGE_EVENT, {"remoteUserId": "lobby", "sender": "bot", "message": request})]
    assert room.enter(7.0)[0].resumed


def test_who_was_there_before_us_offers() -> None:
    room = entered()
    assert hear(room, ENABLE) == [joined("ana.1", 2), to_ana(rmc.ready_for_offer({"a": 1}))]
    assert not room.offers_to("ana")
    assert hear(room, OFFER) == [Tell(wire.Offer(user="ana", call="ana.1.2", sdp="v=0 offer"))]
    assert hear(room, CANDIDATE) == [
        Tell(wire.Candidate(user="ana", call="ana.1.2", candidate="candidate:1", sdp_mid="0", sdp_m_line_index=0))
    ]
    said = room.say(wire.Answer(user="ana", call="ana.1.2", sdp="v=0"))
    assert said == [to_ana(rmc.description("answer", "v=0", {"is": "bot"}))]
    asked = room.say(wire.NeedOffer(user="ana"))
    assert asked == [to_ana(rmc.participation_request(is_data_only=False))]


def test_a_room_of_data_alone_begins_with_the_offer() -> None:
    assert hear(entered(), OFFER) == [joined("ana.1", 2), Tell(wire.Offer(user="ana", call="ana.1.2", sdp="v=0 offer"))]


def test_to_who_comes_after_us_we_offer_once_they_are_ready() -> None:
    room = entered()
    assert hear(room, REQUEST, extra=None) == [to_ana(rmc.enable_media({"is": "bot"}))]
    assert hear(room, CANDIDATE) == [joined("ana.1", 2)]  # of no call
    assert room.offers_to("ana")
    assert room.say(wire.Offer(user="ana", call="c1", sdp="one")) == []
    assert hear(room, READY) == [to_ana(rmc.description("offer", "one", {"is": "bot"}))]
    assert hear(room, ANSWER) == [Tell(wire.Answer(user="ana", call="c1", sdp="v=0 answer"))]
    word = rmc.trickled("candidate:2", "1", 1)
    candidate = wire.Candidate(user="ana", call="c1", candidate="candidate:2", sdp_mid="1", sdp_m_line_index=1)
    assert room.say(candidate) == [to_ana(word)]


def test_who_is_ready_before_we_are_gets_the_offer_at_once() -> None:
    room = entered()
    hear(room, REQUEST)
    assert hear(room, READY) == [joined("ana.1", 2)]
    assert room.say(wire.Offer(user="ana", call="c1", sdp="one")) == [
        to_ana(rmc.description("offer", "one", {"is": "bot"}))
    ]


def test_a_call_that_is_begun_anew_is_prepared_for_anew_once() -> None:
    room = entered()
    hear(room, REQUEST)
    hear(room, READY)
    room.say(wire.Offer(user="ana", call="c1", sdp="one"))
    assert room.say(wire.Offer(user="ana", call="c2", sdp="two")) == [to_ana(rmc.enable_media({"is": "bot"}))]
    assert room.say(wire.Offer(user="ana", call="c3", sdp="three")) == []
    assert hear(room, READY) == [to_ana(rmc.description("offer", "three", {"is": "bot"}))]


def test_of_two_who_come_at_the_same_time_one_offers_and_the_other_answers() -> None:
    them = {name: RmcRoom("lobby", name, {"is": name}) for name in ("bot", "ana")}
    told: dict[str, list[Any]] = {name: [] for name in them}
    waiting = [(name, word) for name, room in them.items() for word in room.enter(10.0)[1]]
    while waiting:
        sender, word = waiting.pop(0)
        (name,) = them.keys() - {sender}
        for effect in hear(them[name], word.argument["message"], sender, name, extra={"is": sender}):
            if isinstance(effect, Tell):
                told[name].append(effect.message)
            else:
                waiting.append((name, effect))
            if isinstance(effect, Tell) and isinstance(effect.message, wire.RemoteUserJoin):
                assert them[name].offers_to(sender) is (name == "ana")
                offer = wire.Offer(user=sender, call=f"{name}'s", sdp=f"of {name}")
                waiting += [(name, said) for said in (them[name].say(offer) if name == "ana" else ())]
    assert [type(message) for message in told["ana"]] == [wire.RemoteUserJoin]
    assert [type(message) for message in told["bot"]] == [wire.RemoteUserJoin, wire.Offer]
    assert told["bot"][-1].sdp == "of ana"


def test_who_asks_again_is_offered_anew() -> None:
    room = entered()
    hear(room, REQUEST)
    hear(room, READY)
    room.say(wire.Offer(user="ana", call="c1", sdp="one"))
    assert hear(room, REQUEST) == [Tell(wire.NeedOffer(user="ana", call="c1"))]


def test_who_was_there_before_us_and_comes_again_is_another_session() -> None:
    room = entered()
    hear(room, ENABLE)
    assert hear(room, REQUEST) == [
        left("ana.1", 3, Reason.LEFT, Detection.NOTICE),
        to_ana(rmc.enable_media({"is": "bot"})),
    ]
    assert hear(room, READY) == [joined("ana.2", 4)]


@pytest.mark.parametrize(
    ("message", "reason"), [({"userLeft": True}, Reason.LEFT), (rmc.DROP, Reason.LEFT)], ids=["leave", "drop"]
)
def test_a_leave_is_told_once(message: Any, reason: Reason) -> None:
    room = entered()
    hear(room, ENABLE)
    assert hear(room, message) == [left("ana.1", 3, reason, Detection.NOTICE)]
    assert hear(room, message) == []
    assert room.hear("user-disconnected", ("ana",)) == []


def test_a_lost_socket_is_told_and_who_never_was_here_is_not() -> None:
    room = entered()
    hear(room, ENABLE)
    lost = left("ana.1", 3, Reason.NETWORK_LOST, Detection.SOCKET_CLOSED)
    assert room.hear("user-disconnected", ("ana",)) == [lost]
    hear(room, REQUEST)
    assert room.hear("user-disconnected", ("ana",)) == []


def test_what_others_say_of_themselves_is_kept_up() -> None:
    room = entered()
    hear(room, ENABLE)
    update = wire.RemoteUserUpdate(user="ana", session="ana.1", seq=3, extra={"hat": "red"})
    assert room.hear("extra-data-updated", ("ana", {"hat": "red"})) == [Tell(update)]
    assert room.hear("extra-data-updated", ("ana", {"hat": "red"})) == []
    assert room.hear("extra-data-updated", ("bo", {})) == []
    (told, _) = hear(room, ENABLE)
    assert told == Tell(wire.RemoteUserUpdate(user="ana", session="ana.1", seq=4, extra=EXTRA))


def test_flags_of_the_room_are_no_part_of_anybody() -> None:
    room = entered()
    assert hear(room, ENABLE, extra={**EXTRA, "_room": {"isFull": False}})[0] == joined("ana.1", 2)
    assert room.hear("extra-data-updated", ("ana", {**EXTRA, "_room": {}})) == []


def test_a_room_that_is_closed_is_a_dismissal_and_other_events_are_nothing() -> None:
    room = entered()
    assert room.hear("closed-entire-session", ("lobby", {})) == [Tell(wire.ExitRoom(reason=Reason.DISMISSED))]
    assert room.hear("set-isInitiator-true", ("lobby",)) == []
    assert room.hear("user-disconnected", (7,)) == []
    assert room.hear(rmc.MESSAGE_EVENT, ("text",)) == []


@pytest.mark.parametrize(
    ("message", "sender", "to"),
    [
        (ENABLE, "ana", "bo"),  # not for us
        (ENABLE, "bot", "bot"),  # our own
        (ENABLE, "no name", "bot"),
        ({"streamid": "1", "action": "mute"}, "ana", "bot"),
        ("hello", "ana", "bot"),
    ],
)
def test_an_envelope_that_is_none_for_us_is_nothing(message: Any, sender: str, to: str) -> None:
    assert hear(entered(), message, sender, to) == []


@pytest.mark.parametrize("message", [READY, ANSWER, CANDIDATE])
def test_words_out_of_turn_make_somebody_known_and_no_more(message: Any) -> None:
    assert hear(entered(), message) == [joined("ana.1", 2)]


def test_an_envelope_without_a_sender_is_nothing() -> None:
    assert entered().hear(rmc.MESSAGE_EVENT, ({"message": ENABLE},)) == []


def test_what_is_said_over_a_channel_is_a_message_of_who_is_here() -> None:
    room = entered()
    assert room.said("ana", "hello") == []
    hear(room, ENABLE)
    assert room.said("ana", "hello") == [Tell(wire.Said(topic="message", data="hello", user="ana"))]


def test_our_leave_is_said_to_each_and_our_extra_to_the_server() -> None:
    room = entered()
    hear(room, ENABLE)
    assert room.say(wire.Leave()) == [to_ana({"userLeft": True})]
    assert room.say(wire.UpdateExtra(extra={"hat": "red"})) == [Emit("extra-data-updated", {"hat": "red"})]
    assert room.extra == {"hat": "red"}
    assert room.say(wire.Ack(seq=1)) == []
    assert room.say(wire.NeedOffer(user="bo")) == []


def test_nobody_is_asked_for_anything_after_our_leave() -> None:
    """They end the connection at once, and would take whatever we say then for somebody who comes."""
    room = entered()
    hear(room, ENABLE)
    room.say(wire.Leave())
    assert room.say(wire.NeedOffer(user="ana")) == []
    for word in (REQUEST, ENABLE, READY, OFFER):
        assert hear(room, word) == []
    assert room.enter(7.0)[1] == []  # the way to the server was lost meanwhile
    assert room.say(wire.Leave()) == []


@pytest.mark.parametrize(
    ("message", "about"),
    [(wire.Kick(user="ana"), "kick"), (wire.Dismiss(), "dismiss"), (wire.Mute(user="ana", kind="audio"), "mute")],
)
def test_what_that_server_cannot_do_is_refused(message: wire.ClientMessage, about: str) -> None:
    assert entered().say(message) == [Tell(wire.Error(code=ErrorCode.NOT_ALLOWED, text=UNKNOWN, about=about))]
