from typing import Any

import msgspec
import pytest

from signaling.gateways import rmc_wire as wire
from signaling.gateways.rmc_calls import Phase
from signaling.gateways.rmc_effects import Effect, Emit, Tell
from signaling.gateways.rmc_passing import PASSED
from signaling.gateways.rmc_stay import Stay
from signaling.messages import (
    PAGE_MARK,
    Ack,
    Answer,
    Joined,
    Moved,
    Muted,
    NeedOffer,
    Offer,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    Said,
    Say,
    User,
)
from signaling.reasons import Detection, Reason

BOT = User(user="bot", session="s", extra={"is": "bot"})
BO = User(user="bo", session=f"{PAGE_MARK}2", extra={"is": "bo"})
REQUEST = {"newParticipationRequest": True}
OFFER = {"type": "offer", "sdp": "v=0", "streamsToShare": {"stream-1": {"isAudio": True}}}
ALL = ["admin", "message", "moderate", "publish", "subscribe"]


def joined(*users: User, **facts: Any) -> Joined:
    place = Joined(
        room="lobby",
        user="ana",
        session=f"{PAGE_MARK}1",
        secret="x",
        ticket="t",
        seq=3,
        grace=10,
        heartbeat=5,
        users=list(users),
        grants=ALL,
    )
    return msgspec.structs.replace(place, **facts)


def stay(*users: User, is_opened: bool = False, **facts: Any) -> Stay:
    place = joined(*users, **facts)
    new = Stay(place, wire.Handshake(userid="ana"), is_opened=is_opened)
    new.begin(place)
    return new


def gone(user: str, session: str, *, wants_ack: bool = False, **extra: object) -> RemoteUserLeave:
    return RemoteUserLeave(
        user=user, session=session, seq=9, reason=Reason.LEFT, detected_by=Detection.NOTICE, extra=extra,
        wants_ack=wants_ack,
    )  # fmt: skip


def say(one: Stay, to: str, message: object) -> list[Effect]:
    return one.speak(wire.Envelope(to, "ana", message))


def names(effects: list[Effect]) -> list[str]:
    return [effect.event for effect in effects if isinstance(effect, Emit)]


def linked() -> Stay:
    """A page that is connected with bot."""
    one = stay(BOT)
    say(one, "bot", REQUEST)
    say(one, "bot", OFFER)
    one.hear(Answer(user="bot", call=f"{PAGE_MARK}1.1", sdp="v=0"))
    assert one.others["bot"].phase is Phase.LINKED
    return one


def test_a_newcomer_connects_with_all_who_were_there_each_in_its_own_words() -> None:
    one = stay(BOT, BO)
    one.hear(RemoteUserJoin(user="cy", session="c", seq=4))
    effects = one.connect_with_all(wire.ParticipationRequest(True))
    assert names(effects) == ["user-connected", wire.MESSAGE_EVENT]
    assert [effect.message.to for effect in effects if isinstance(effect, Tell)] == ["bo"]


def test_pages_speak_to_each_other_as_they_do_elsewhere() -> None:
    one = stay(BO)
    assert say(one, "bo", "anything") == [Tell(Say(topic=PASSED, data="anything", to="bo"))]
    assert names(say(one, "bo", OFFER)) == ["extra-data-updated"]
    heard = one.hear(Said(topic=PASSED, data=REQUEST, user="bo"))
    assert heard[0] == Emit("user-connected", ("bo",))
    assert heard[1] == Emit(wire.MESSAGE_EVENT, (wire.envelope("ana", "bo", REQUEST, {"is": "bo"}),))
    assert names(one.hear(Said(topic=PASSED, data=OFFER, user="bo"))) == [wire.MESSAGE_EVENT]


def test_only_a_page_is_believed_to_speak_as_one() -> None:
    one = stay(BOT)
    assert names(one.hear(Said(topic=PASSED, data={"userLeft": True}, user="bot"))) == [wire.CUSTOM_EVENT]


def test_what_a_page_may_send_to_another_takes_the_same_grants_as_everywhere() -> None:
    one = stay(BO, grants=["message", "subscribe"])
    sends = "v=0\r\nm=audio 9 X 0\r\na=sendonly\r\n"
    assert names(say(one, "bo", {"type": "offer", "sdp": sends})) == ["logs"]


def test_who_is_not_there_is_gone_for_the_page_and_damaged_words_are_nothing() -> None:
    one = stay(BOT)
    assert say(one, "nobody", OFFER) == [Emit("user-disconnected", ("nobody",))]
    assert say(one, "bot", {"candidate": 7}) == []
    assert one.hear(Offer(user="nobody", call="x", sdp="v=0")) == []


def test_a_leave_is_told_with_the_right_extra_and_acknowledged() -> None:
    one = stay(BOT)
    assert one.hear(gone("bot", "another")) == []
    assert one.hear(gone("bot", "s", wants_ack=True, last=1)) == [
        Emit("extra-data-updated", ("bot", {"last": 1})),
        Emit("user-disconnected", ("bot",)),
        Tell(Ack(seq=9)),
    ]
    assert one.hear(gone("bot", "s")) == []
    assert one.seq == 9


def test_the_room_becomes_the_pages_when_the_last_earlier_page_is_gone() -> None:
    third = User(user="di", session=f"{PAGE_MARK}3")
    one = stay(BOT, BO, third)
    assert "set-isInitiator-true" not in names(one.hear(gone("bo", BO.session)))
    assert one.hear(gone("di", third.session))[-1] == Emit("set-isInitiator-true", ("lobby",))
    assert one.owns
    later = stay(is_opened=True)
    later.hear(RemoteUserJoin(user="bo", session=BO.session, seq=4))
    assert "set-isInitiator-true" not in names(later.hear(gone("bo", BO.session)))


def test_an_extra_is_told_when_it_changes_and_what_pages_have_no_word_for_is_not() -> None:
    one = stay(BOT)
    update = RemoteUserUpdate(user="bot", session="s", seq=5, extra={"a": 1})
    assert one.hear(update) == [Emit("extra-data-updated", ("bot", {"a": 1}))]
    assert one.hear(update) == []
    assert one.hear(msgspec.structs.replace(update, user="nobody")) == []
    assert one.hear(RemoteUserUnreachable(user="bot", session="s", seq=6)) == []
    assert one.hear(RemoteUserBack(user="bot", session="s", seq=7)) == []


def test_dropping_a_connection_keeps_both_in_the_room() -> None:
    one = stay(BO)
    assert one.disconnect_with("nobody") == []
    assert one.disconnect_with("bo") == [Tell(Say(topic=PASSED, data=wire.DROP, to="bo"))]
    other = linked()
    assert other.disconnect_with("bot") == []
    assert other.others["bot"].phase is Phase.CUT
    assert other.hear(NeedOffer(user="bot", call=f"{PAGE_MARK}1.1")) == []


def test_a_moderators_mute_mutes_the_pages_own_streams() -> None:
    muted = linked().hear(Muted(kind="audio", seq=4, wants_ack=True, text="noise"))
    assert muted[0].args[0]["message"] == wire.mute("stream-1", "audio")
    assert muted[1:] == [Emit("logs", ("muted by a moderator: audio (noise)",)), Tell(Ack(seq=4))]
    assert names(stay(BOT).hear(Muted(kind="video"))) == ["logs"]
    assert linked().hear(Muted(kind="video", user="bot")) == []


def letter(number: int, text: str = '{"a": 1}', **head: object) -> Said:
    whole = {"type": "letter", "head": {"topic": "t", "number": number, **head}, "text": text}
    return Said(topic="exeunt", user="bot", data=whole)


def taken(number: int, **more: object) -> Tell:
    return Tell(Say(topic="exeunt", data={"type": "taken", "number": number, **more}, to="bot"))


def test_letters_are_taken_once_in_order_and_acknowledged() -> None:
    one = stay(BOT)
    said = {"userid": "bot", "extra": {"is": "bot"}, "topic": "t"}
    assert one.hear(letter(1)) == [Emit(wire.CUSTOM_EVENT, ({"a": 1}, said)), taken(1)]
    assert one.hear(letter(1)) == [taken(1)]
    assert one.hear(letter(3)) == [taken(1, missing=True)]
    assert one.hear(letter(2, "AAEC", form="bytes")) == [Emit(wire.CUSTOM_EVENT, ("AAEC", said)), taken(2)]


@pytest.mark.parametrize("said", [letter(1, "{"), letter(1, "[" * 100_000), Said(topic="exeunt", user="bot", data=7)])
def test_a_damaged_letter_is_nothing(said: Said) -> None:
    assert stay(BOT).hear(said) == []


def test_an_ordinary_message_is_an_event_of_the_application() -> None:
    one = stay(BOT)
    one.custom_event = "chat"
    assert one.hear(Said(topic="t", data=1, user="bot")) == [
        Emit("chat", (1, {"userid": "bot", "extra": {"is": "bot"}, "topic": "t"}))
    ]
    assert one.hear(Said(topic="t", data=1)) == [Emit("chat", (1, {"userid": None, "extra": {}, "topic": "t"}))]


def test_after_a_lost_connection_a_page_knows_who_left_and_who_came() -> None:
    one = stay(BOT, BO)
    back = joined(User(user="bot", session="s", extra={"new": 1}), User(user="cy", session="c"), resumed=True, seq=9)
    effects = one.resumed(back)
    assert Emit("user-disconnected", ("bo",)) in effects
    assert Emit("extra-data-updated", ("bot", {"new": 1})) in effects
    assert not one.others["bot"].came_later
    assert one.others["cy"].came_later
    assert (one.seq, set(one.others)) == (9, {"bot", "cy"})


def test_who_is_moved_leaves_everybody_and_connects_with_all_who_are_there() -> None:
    one = stay(BO, is_opened=True)
    place = joined(BOT)
    there = Moved(
        **{
            **{name: getattr(place, name) for name in place.__struct_fields__ if name in Moved.__struct_fields__},
            "room": "other",
        }
    )
    effects = one.moved(there)
    assert names(effects) == ["extra-data-updated", "user-disconnected", "user-connected", wire.MESSAGE_EVENT]
    assert (one.room, one.owns, set(one.others)) == ("other", False, {"bot"})
