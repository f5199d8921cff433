"""What a room decided, as what is written of it and what other nodes are told."""

import msgspec

from signaling.cluster.acts import Clock, Commit
from signaling.cluster.homes import Homes
from signaling.cluster.ownership import Place
from signaling.cluster.translate import Translation
from signaling.cluster.wire import Copied, Deliver, Placed
from signaling.config import SignalingConfig
from signaling.effects import Ban, Effect, Send
from signaling.lobby import Lobby
from signaling.messages import Join, MediaServer, Refreshed, RemoteUserUpdate
from signaling.snapshot import MemberRecord, RoomRecord

CLOCK = Clock(now=100.0, wall=1100.0)


def translated(*effects: Effect, config: SignalingConfig | None = None) -> Commit:
    """Return the commit of what the room of ana, whose socket is at n1, decided at n0."""
    lobby = Lobby(config or SignalingConfig())
    lobby.open("a", "secret")
    lobby.handle("a", Join(room="42", user="ana"), CLOCK.now, CLOCK.wall)
    homes = Homes("n0")
    homes.settle("a", "n1", "a")
    translation = Translation(Place("42", epoch=5), lobby.find("42"), homes, "n0", CLOCK)
    commit = translation.commit(effects, is_last=False, unheard_for=0)
    assert commit is not None
    return commit


def test_a_newer_token_is_written_down_and_known_at_the_edge() -> None:
    commit = translated(Send(("a",), Refreshed(grants=["moderate"], expires=None)))
    record = msgspec.json.decode(commit.put["a"], type=MemberRecord)
    assert (record.user, record.session) == ("ana", "a")
    told, placed, copied = commit.frames["n1"]
    assert isinstance(told, Deliver)
    assert told.sessions == ("a",)
    assert placed == Placed(room="42", epoch=5, record=record)
    assert isinstance(copied, Copied)
    assert (copied.put, copied.is_whole) == (commit.put, True)


def test_where_the_media_of_a_room_are_is_written_down_when_that_is_another_place() -> None:
    config = SignalingConfig(topology="janus", janus=("ws://one:8188",), janus_secret="what our servers share")
    commit = translated(Send(("a",), MediaServer()), config=config)
    assert commit.put == {}
    assert commit.about is not None
    record = msgspec.json.decode(commit.about, type=RoomRecord)
    assert record.video_room is not None
    assert record.video_room.url == "ws://one:8188"


def test_a_ban_is_written_down_by_name_and_by_token_until_its_time_on_everybodys_clock() -> None:
    assert translated(Ban("42", "eva", "digest", until=160.0)).bans == {"user eva": 1160.0, "token digest": 1160.0}
    assert translated(Ban("42", "eva", None, until=160.0)).bans == {"user eva": 1160.0}


def test_of_who_is_gone_by_what_follows_nothing_is_written() -> None:
    commit = translated(Send(("a",), RemoteUserUpdate(user="eva", session="e", extra={}, seq=2)))
    assert commit.put == {}
    assert [type(frame) for frame in commit.frames["n1"]] == [Deliver, Copied]
