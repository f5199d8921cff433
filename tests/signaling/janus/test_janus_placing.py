"""Which Janus carries a room, when it is another, and what those in the room are told."""

import pytest

from signaling.calls import Refusal, RoomSettings
from signaling.config import SignalingConfig
from signaling.effects import Departed, Effect, Send
from signaling.janus.hosting import Listed
from signaling.janus.orders import Allow, Check, Create, Destroy, Order, Remove, Watch
from signaling.janus.placing import Health, Placing
from signaling.lobby import Lobby
from signaling.messages import Join, Joined, Leave, MediaServer, Moved, Refresh, janus_id
from signaling.reasons import Detection
from signaling.tokens import make
from tests.signaling.scenes import told

ONE, TWO = "ws://one:8188", "ws://two:8188"
SECRET = "what our servers share"
WALL = 1_800_000_000.0
CONFIG = SignalingConfig(janus=(ONE, TWO), janus_secret=SECRET, topology="janus")


class Scene:
    """A lobby whose effects are carried out, and two Janus servers that do what they are asked for."""

    def __init__(self, config: SignalingConfig = CONFIG, salt: str = "salt") -> None:
        self.lobby = Lobby(config, salt)
        self.placing = self.lobby.placing
        for server in self.placing.servers.values():
            server.health = Health.ALIVE

    def follow(self, effects: list[Effect]) -> list[Effect]:
        self.placing.follow(effects, self.lobby.find)
        return effects

    def come(self, session: str, room: str = "42") -> Joined:
        self.lobby.open(session, f"secret of {session}")
        effects = self.follow(self.lobby.handle(session, Join(room=room, user=session), 0, WALL))
        (joined, *_) = told(effects, session)
        assert isinstance(joined, Joined)
        return joined

    def go(self, session: str) -> None:
        self.follow(self.lobby.handle(session, Leave(), 0, WALL))

    def review(self) -> list[tuple[str, list[Effect]]]:
        return self.placing.review(self.lobby.all())

    def ask(self, url: str) -> list[Order]:
        """Have a Janus do everything."""
        care, done = self.placing.servers[url].care, []
        while (order := care.next()) is not None:
            care.did(order)
            done.append(order)
        return done

    def place(self, room: str = "42") -> tuple[str, int]:
        found = self.lobby.find(room)
        assert found is not None
        assert found.video_room is not None
        return found.video_room.url, found.video_room.number

    def other(self, url: str) -> str:
        return TWO if url == ONE else ONE


def test_a_room_is_placed_at_its_first_join_and_everybody_is_told_where() -> None:
    scene = Scene()
    ana, ben = scene.come("ana"), scene.come("ben")
    assert ana.topology == ben.topology == "janus"
    assert ana.media is not None
    assert ben.media is not None
    assert (ana.media.url, ana.media.room) == (ben.media.url, ben.media.room) == scene.place()
    assert ana.media.token != ben.media.token
    url, number = scene.place()
    assert scene.ask(url) == [Create(number, ("ana", "ben"), 64)]
    assert scene.ask(scene.other(url)) == []


def test_in_a_mesh_nothing_is_placed() -> None:
    scene = Scene(SignalingConfig(janus=(ONE,), janus_secret=SECRET))
    ana = scene.come("ana")
    assert (ana.topology, ana.media) == ("mesh", None)
    assert scene.review() == []
    assert scene.ask(ONE) == []


def test_a_program_opens_a_room_of_the_other_topology() -> None:
    scene = Scene(SignalingConfig(janus=(ONE,), janus_secret=SECRET))
    settings = RoomSettings.usual("42", SignalingConfig(janus=(ONE,), janus_secret=SECRET, topology="janus"))
    scene.follow(scene.lobby.create(settings, 0))
    assert scene.ask(ONE) == []  # nobody is in
    assert scene.come("ana").media is not None


def test_a_server_that_knows_no_janus_opens_no_such_room() -> None:
    scene = Scene(SignalingConfig())
    settings = RoomSettings.usual("42", CONFIG)
    with pytest.raises(Refusal, match="topology janus takes a Janus server"):
        scene.lobby.create(settings, 0)


def test_rooms_go_where_the_fewest_users_are() -> None:
    scene = Scene()
    scene.come("ana", "1")
    scene.come("ben", "2")
    assert scene.place("1")[0] != scene.place("2")[0]
    scene.come("cleo", "1")
    scene.come("dan", "3")
    assert scene.place("3")[0] == scene.place("2")[0]


def test_users_of_other_nodes_count_as_well() -> None:
    scene = Scene()
    busy = scene.placing.servers[ONE]
    busy.survey.take([Listed(room=7, num_participants=2)], busy.care, "", 0)
    scene.come("ana", "1")
    scene.come("ben", "2")
    assert {scene.place("1")[0], scene.place("2")[0]} == {TWO}


def test_one_that_is_alive_is_better_than_one_that_may_be_and_one_that_is_dead_is_none() -> None:
    scene = Scene()
    scene.placing.servers[ONE].health = Health.DOUBTFUL
    scene.come("ana", "1")
    scene.come("ben", "2")
    assert {scene.place("1")[0], scene.place("2")[0]} == {TWO}
    scene.placing.servers[TWO].health = Health.DEAD
    scene.come("cleo", "3")
    assert scene.place("3")[0] == ONE


def test_who_leaves_is_removed_and_the_last_one_ends_the_videoroom() -> None:
    scene = Scene()
    scene.come("ana")
    scene.come("ben")
    url, number = scene.place()
    scene.ask(url)
    scene.go("ana")
    assert scene.ask(url) == [Remove(number, ("ana",))]
    scene.go("ben")
    assert scene.ask(url) == [Destroy(number)]
    scene.come("ana")
    assert scene.place()[1] != number


def test_who_may_not_publish_is_watched_and_a_newer_token_counts() -> None:
    key = "a key of thirty-two letters, sure"
    scene = Scene(SignalingConfig(janus=(ONE,), janus_secret=SECRET, topology="janus", key=key))

    def token(user: str, *grants: str) -> str:
        return make(key, "42", user, grants=grants)

    for user, grants in (("ana", ("publish",)), ("ben", ("subscribe",))):
        scene.lobby.open(user, "secret")
        scene.follow(scene.lobby.handle(user, Join(room="42", user=user, token=token(user, *grants)), 0, WALL))
    assert Watch(scene.place()[1], frozenset({"ben"})) in scene.ask(ONE)
    scene.lobby.handle("ana", Refresh(token=token("ana", "subscribe")), 0, WALL)
    assert scene.review() == []
    assert scene.ask(ONE) == [Watch(scene.place()[1], frozenset({"ana", "ben"}))]


def test_who_is_unreachable_keeps_their_place_until_the_grace_is_over() -> None:
    scene = Scene()
    scene.come("ana")
    scene.come("ben")
    url, number = scene.place()
    scene.ask(url)
    scene.follow(scene.lobby.lost("ben", 0, 0, Detection.SOCKET_CLOSED))
    assert scene.ask(url) == []
    scene.follow(scene.lobby.advance(11))
    assert scene.ask(url) == [Remove(number, ("ben",))]


def test_who_replaces_the_only_one_who_is_in_is_in_the_same_videoroom() -> None:
    scene = Scene()
    scene.come("ana")
    url, number = scene.place()
    scene.ask(url)
    scene.lobby.open("ana2", "secret")
    scene.follow(scene.lobby.handle("ana2", Join(room="42", user="ana"), 0, WALL))
    assert scene.ask(url) == [Remove(number, ("ana",)), Allow(number, ("ana2",))]


def test_who_is_moved_is_removed_here_and_let_in_there() -> None:
    scene = Scene()
    scene.come("ana", "1")
    scene.come("ben", "1")
    former, number = scene.place("1")
    scene.ask(former)
    effects = scene.follow(scene.lobby.move("1", "ben", "2", 0, WALL))
    moved = next(message for message in told(effects, "ben") if isinstance(message, Moved))
    url, new = scene.place("2")
    assert moved.media is not None
    assert (moved.media.url, moved.media.room) == (url, new)
    assert Remove(number, ("ben",)) in scene.ask(former)
    assert url != former
    assert scene.ask(url) == [Create(new, ("ben",), 64)]


def test_who_departs_to_a_room_of_another_node_is_removed() -> None:
    scene = Scene()
    scene.come("ana")
    scene.come("ben")
    url, number = scene.place()
    scene.ask(url)
    scene.follow([Departed("ben", "secret of ben", "ben", "42", "43", b"")])
    assert scene.ask(url) == [Remove(number, ("ben",))]


def test_rooms_of_a_janus_that_dies_are_placed_anew_and_everybody_who_is_here_is_told() -> None:
    scene = Scene()
    scene.come("ana")
    scene.come("ben")
    scene.follow(scene.lobby.lost("ben", 0, 0, Detection.SOCKET_CLOSED))
    url, number = scene.place()
    scene.ask(url)
    scene.placing.servers[url].health = Health.DOUBTFUL
    assert scene.review() == []
    scene.placing.servers[url].health = Health.DEAD
    ((room, effects),) = scene.review()
    assert room == "42"
    assert scene.place()[0] == scene.other(url)
    (send,) = effects
    assert isinstance(send, Send)
    assert send.to == ("ana",)
    assert isinstance(send.message, MediaServer)
    assert send.message.media is not None
    assert send.message.media.url == scene.other(url)
    assert scene.placing.replaced == 1
    assert scene.ask(scene.other(url)) == [Create(scene.place()[1], ("ana", "ben"), 64)]
    assert scene.ask(url) == [Destroy(number)]  # when it is back
    assert scene.review() == []


def test_while_none_is_alive_the_room_lives_on_without_media_and_has_some_again_when_one_is_back() -> None:
    scene = Scene()
    scene.come("ana")
    for server in scene.placing.servers.values():
        server.health = Health.DEAD
    ((_, effects),) = scene.review()
    assert told(effects, "ana") == [MediaServer()]
    assert scene.review() == []
    ben = scene.come("ben")
    assert (ben.topology, ben.media) == ("janus", None)
    scene.go("ben")
    scene.placing.servers[TWO].health = Health.ALIVE
    ((_, effects),) = scene.review()
    (said,) = told(effects, "ana")
    assert isinstance(said, MediaServer)
    assert said.media is not None
    assert said.media.url == TWO
    assert scene.placing.replaced == 1


def test_a_videoroom_that_janus_has_forgotten_is_another_from_then_on() -> None:
    scene = Scene()
    scene.come("ana")
    url, number = scene.place()
    scene.ask(url)
    scene.placing.lose(url, number)
    ben = scene.come("ben")  # before anybody has looked: it hears of the new place as ana does
    assert ben.media is not None
    assert ben.media.room == number
    scene.go("ben")
    ((_, effects),) = scene.review()
    assert isinstance(told(effects, "ana")[0], MediaServer)
    assert scene.place()[1] != number
    assert Create(scene.place()[1], ("ana",), 64) in [*scene.ask(ONE), *scene.ask(TWO)]
    scene.placing.lose(url, number)  # heard of late
    assert scene.review() == []


def test_a_room_that_is_over_before_its_loss_was_seen_to_leaves_nothing() -> None:
    scene = Scene()
    scene.come("ana")
    url, number = scene.place()
    scene.ask(url)
    scene.placing.lose(url, number)
    scene.go("ana")
    assert scene.review() == []
    assert scene.ask(url) == []


def test_rooms_that_another_server_wrote_down_are_looked_at_and_let_go_of_as_they_are() -> None:
    before = Scene()
    before.come("ana")
    url, number = before.place()
    after = Scene(salt="another")
    for record in before.lobby.records(now=0, wall=WALL):
        after.lobby.restore(record, now=0, wall=WALL)
    assert after.review() == []
    assert after.place() == (url, number)
    assert after.ask(url) == [Check(number, ("ana",))]
    after.lobby.forget("42")  # another node runs it
    assert after.review() == []
    assert after.ask(url) == []


def test_a_room_from_elsewhere_is_taken_up_by_who_comes_first_too() -> None:
    before = Scene()
    before.come("ana")
    url, number = before.place()
    after = Scene(salt="another")
    for record in before.lobby.records(now=0, wall=WALL):
        after.lobby.restore(record, now=0, wall=WALL)
    after.come("ben")
    assert after.ask(url) == [Check(number, ("ana", "ben"))]


def test_a_room_that_was_placed_at_a_janus_that_is_not_known_here_is_placed_anew() -> None:
    before = Scene(SignalingConfig(janus=("ws://gone:8188",), janus_secret=SECRET, topology="janus"))
    before.come("ana")
    after = Scene()
    for record in before.lobby.records(now=0, wall=WALL):
        after.lobby.restore(record, now=0, wall=WALL)
    after.come("ben")
    assert after.ask(ONE) == after.ask(TWO) == []
    ((room, _),) = after.review()
    assert room == "42"
    assert after.place()[0] in {ONE, TWO}


def test_a_room_that_emptied_and_filled_again_unseen_is_in_a_new_videoroom_and_the_old_one_ends() -> None:
    """In a cluster a room is ahead of what was carried out."""
    scene = Scene()
    scene.come("ana")
    url, number = scene.place()
    scene.ask(url)
    left = scene.lobby.handle("ana", Leave(), 0, WALL)
    scene.lobby.open("ben", "secret")
    came = scene.lobby.handle("ben", Join(room="42", user="ben"), 0, WALL)
    scene.follow(left)
    scene.follow(came)
    new_url, new = scene.place()
    assert new != number
    done = {scene_url: scene.ask(scene_url) for scene_url in (ONE, TWO)}
    assert Destroy(number) in done[url]
    assert Create(new, ("ben",), 64) in done[new_url]


def test_what_was_carried_out_of_a_room_that_is_over_begins_nothing() -> None:
    scene = Scene()
    scene.lobby.open("ana", "secret")
    came = scene.lobby.handle("ana", Join(room="42", user="ana"), 0, WALL)
    left = scene.lobby.handle("ana", Leave(), 0, WALL)
    scene.follow(came)
    scene.follow(left)
    assert scene.ask(ONE) == scene.ask(TWO) == []


def test_a_room_that_fills_again_before_anybody_looked_is_seen_to_by_the_review() -> None:
    scene = Scene()
    scene.come("ana")
    url, number = scene.place()
    scene.ask(url)
    scene.lobby.handle("ana", Leave(), 0, WALL)
    scene.lobby.open("ben", "secret")
    scene.lobby.handle("ben", Join(room="42", user="ben"), 0, WALL)
    assert scene.review() == []
    assert Destroy(number) in scene.ask(url)
    assert scene.place()[1] != number


def test_numbers_of_videorooms_do_not_come_again_and_differ_from_those_of_other_nodes() -> None:
    scene, other = Scene(), Scene(salt="another")
    numbers = []
    for one in (scene, other):
        for _ in range(3):
            one.come("ana")
            numbers.append(one.place()[1])
            one.go("ana")
    assert len(set(numbers)) == 6
    assert all(0 < number < 2**53 for number in numbers)
    assert janus_id("ana") not in numbers


def test_without_any_janus_nothing_is_usable() -> None:
    placing = Placing((), "")
    assert placing.review([]) == []
