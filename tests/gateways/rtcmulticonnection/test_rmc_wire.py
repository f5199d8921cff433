import pytest

from signaling.gateways import rmc_wire as wire
from signaling.gateways.rmc_requests import (
    AskPassword,
    ChangeName,
    CheckPresence,
    CloseSession,
    Custom,
    DisconnectWith,
    GetExtra,
    JoinRoom,
    Listen,
    ListRooms,
    OpenRoom,
    Request,
    SetExtra,
    Speak,
    request_of,
)

WISH = {"sessionid": "lobby", "extra": {"name": "Ana"}, "password": "", "session": {"audio": True}}


def test_of_a_name_that_comes_twice_in_an_address_the_first_counts() -> None:
    handshake = wire.handshake_of([("userid", "ana"), ("sessionid", "x"), ("userid", "mallory"), ("token", "t")])
    assert (handshake.userid, handshake.token, handshake.secret) == ("ana", "t", None)
    assert handshake.msg_event == wire.MESSAGE_EVENT
    assert not handshake.closes_room
    assert wire.handshake_of([("autoCloseEntireSession", "true")]).closes_room


@pytest.mark.parametrize(
    ("text", "extra"),
    [('{"a": 1}', {"a": 1}), ('{"a": "x', {}), ("[]", {}), ("[" * 100_000, {})],
    ids=["whole", "cut off", "no object", "too deep"],
)
def test_an_extra_that_cannot_be_read_is_empty(text: str, extra: dict[str, object]) -> None:
    assert wire.extra_of(text) == extra


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"newParticipationRequest": True, "isDataOnly": False}, wire.ParticipationRequest),
        ({"userLeft": True, "autoCloseEntireSession": True}, wire.UserLeft),
        ({"type": "offer", "sdp": "v=0", "renegotiatingPeer": False}, wire.Description),
        ({"candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0}, wire.Trickled),
        ({"enableMedia": True, "userPreferences": {}}, wire.EnableMedia),
        ({"readyForOffer": True, "userPreferences": {}}, wire.ReadyForOffer),
        ({"candidate": 7}, type(None)),
        ({"streamid": "s", "action": "mute"}, type(None)),
        (wire.DROP, type(None)),
        (None, type(None)),
    ],
)
def test_what_stands_in_an_envelope_is_known_by_its_keys(message: object, kind: type) -> None:
    assert isinstance(wire.word_of(message), kind)


def test_what_is_built_can_be_read() -> None:
    assert wire.word_of(wire.participation_request(is_data_only=True)) == wire.ParticipationRequest(True, False, True)
    assert isinstance(wire.word_of(wire.enable_media({})), wire.EnableMedia)
    assert wire.word_of(wire.ready_for_offer({"a": 1})) == wire.ReadyForOffer(True, {"a": 1})
    assert wire.word_of(wire.description("answer", "v=0", {})) == wire.Description("answer", "v=0")
    assert wire.word_of(wire.trickled("candidate:1", "0", 0)) == wire.Trickled("candidate:1", "0", 0)
    assert wire.envelope("bo", "ana", "x", {"a": 1}) == {
        "remoteUserId": "bo",
        "sender": "ana",
        "message": "x",
        "extra": {"a": 1},
    }


@pytest.mark.parametrize(
    ("event", "args", "request_"),
    [
        ("say", ({"remoteUserId": "bo", "sender": "ana", "message": 1},), Speak(wire.Envelope("bo", "ana", 1))),
        ("say", (None,), None),
        ("say", ({"remoteUserId": 7, "sender": "ana", "message": 1},), None),
        ("open-room", (WISH,), OpenRoom("lobby", {"name": "Ana"}, False)),
        ("join-room", ({**WISH, "extra": None, "password": "x"},), JoinRoom("lobby", {}, True)),
        ("open-room", ({**WISH, "session": {"data": True}},), OpenRoom("lobby", {"name": "Ana"}, False, True)),
        ("join-room", ({**WISH, "session": {"data": 1}},), JoinRoom("lobby", {"name": "Ana"}, False)),
        ("join-room", (None,), None),
        ("check-presence", ("lobby",), CheckPresence("lobby")),
        ("check-presence", (), None),
        ("extra-data-updated", ({"a": 1},), SetExtra({"a": 1})),
        ("extra-data-updated", (None,), None),
        ("disconnect-with", ("bo",), DisconnectWith("bo")),
        ("close-entire-session", (), CloseSession()),
        ("changed-uuid", ("ana2",), ChangeName("ana2")),
        ("get-remote-user-extra-data", ("bo",), GetExtra("bo")),
        ("set-password", ("x",), AskPassword()),
        ("is-valid-password", ("x", "lobby"), AskPassword("lobby")),
        ("get-public-rooms", ("x",), ListRooms()),
        ("set-custom-socket-event-listener", ("chat",), Listen("chat")),
        ("chat", ({"a": 1},), Custom("chat", {"a": 1})),
        ("join-broadcast", ({},), None),
    ],
)
def test_an_event_is_read_once_and_what_cannot_be_used_is_none(
    event: str, args: tuple[object, ...], request_: Request | None
) -> None:
    assert request_of(event, args, msg_event="say", custom_event="chat") == request_


def test_the_default_event_of_the_application_has_no_topic_of_its_own() -> None:
    said = request_of(wire.CUSTOM_EVENT, (), msg_event="say", custom_event=wire.CUSTOM_EVENT)
    assert said == Custom(None, None)
