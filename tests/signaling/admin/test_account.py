"""What the journal says of calls to the API: by whom, from where, and what came of it."""

import asyncio
from pathlib import Path

from signaling import SignalingServer
from signaling.admin.account import asked, outcome
from signaling.admin.api import OPERATIONS
from signaling.admin.operations import Call
from signaling.admin.wire import DismissBody, KickBody, Kicked, MessageBody, MoveBody, Moved, Removed, RoomList
from signaling.entry import decode_entry
from signaling.messages import Ack, ExitRoom
from signaling.tokens import Admission, make
from tests.signaling.admin.test_wrong_keys import ADMIN_KEY, KEY, ask
from tests.signaling.client import listening

OPERATION = {operation.name: operation for operation in OPERATIONS}


def call(user: str = "") -> Call:
    return Call(SignalingServer()._node, Admission(None, None), "42", user)


def test_what_was_asked_names_the_room_the_user_and_the_words() -> None:
    usual = {"via": "api", "call": "kick", "room": "42", "user": None}
    kick = OPERATION["kick"]
    assert asked(kick, call(), KickBody(user="ana", text="loud")) == {**usual, "user": "ana", "text": "loud"}
    assert asked(kick, call(), KickBody(user=["ana"])) == {**usual, "user": "ana"}
    assert asked(kick, call(), KickBody(user=["ana", "ben"])) == usual
    said = MessageBody(topic="news", data="a secret", to="ben")
    assert asked(OPERATION["sendMessage"], call(), said) == {**usual, "call": "sendMessage", "user": "ben"}
    moved = asked(OPERATION["move"], call("ana"), MoveBody(to="attic"))
    assert moved == {**usual, "call": "move", "user": "ana", "to": "attic"}
    assert asked(OPERATION["dismiss"], call(), DismissBody()) == {**usual, "call": "dismiss"}
    assert asked(OPERATION["getRoom"], call(), None) == {**usual, "call": "getRoom"}


def test_what_came_of_it_counts_who_was_told_and_names_who_did_not_acknowledge() -> None:
    kicked = [
        Removed(user="ana", told=["ana", "ben"], unacknowledged=["ben"]),
        Removed(user="eva", told=["eva", "ben"], unacknowledged=["eva"]),
    ]
    assert outcome(Kicked(room="42", kicked=kicked)) == {"told": 3, "unacknowledged": ("ben", "eva")}
    assert outcome(Moved(room="42", user="ana", to="attic", told=["ana"])) == {"told": 1, "unacknowledged": ()}
    assert outcome(RoomList(rooms=[])) == {}


async def test_every_call_that_changes_something_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    moderator = make(KEY, "42", "mod", grants=["moderate"])
    server = SignalingServer(journal=path, key=KEY, admin_key=ADMIN_KEY, trusted_proxies=("127.0.0.1",))
    async with listening(server) as place:
        ana = await place.connect()
        session = (await ana.join("ana", token=make(KEY))).session
        await ask(place, ADMIN_KEY)
        await ask(place, ADMIN_KEY, "rooms/nowhere")
        await ask(place, moderator, "rooms/42/kick", "POST", {"user": "nobody"}, **{"X-Forwarded-For": "203.0.113.1"})
        await ask(place, moderator, "rooms/attic/kick", "POST", {"user": "ana"})
        await ask(place, "a guess", "rooms/42/kick", "POST", {"user": "ana"})
        await ask(place, ADMIN_KEY, "rooms/cellar", "PUT", {"capacity": 3})
        kicking = asyncio.create_task(
            ask(place, moderator, "rooms/42/kick", "POST", {"user": "ana", "text": "loud"}), name="kick"
        )
        await ana.say(Ack(seq=(await ana.hear_a(ExitRoom)).seq))
        assert (await kicking)[0] == 200
    lines = [entry for line in path.read_bytes().splitlines() if (entry := decode_entry(line)) is not None]
    calls = [entry for entry in lines if entry.event == "called"]
    assert [(one.call, one.room, one.user, one.by, one.via, one.address, one.code) for one in calls] == [
        ("kick", "42", "nobody", "mod", "api", "203.0.113.1", "no_such_user"),
        ("createRoom", "cellar", None, "the admin key", "api", "127.0.0.1", None),
        ("kick", "42", "ana", "mod", "api", "127.0.0.1", None),
    ]
    assert (calls[-1].told, calls[-1].text, calls[-1].unacknowledged) == (1, "loud", ())
    assert {one.session for one in calls} <= {None, session}
    refused = [entry for entry in lines if entry.event == "turnedAway"]
    assert [(one.code, one.count) for one in refused] == [("not_allowed", 1), ("token_invalid", 1)]
