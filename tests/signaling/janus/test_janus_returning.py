"""Rooms that are not this node's for a while, and what it asks of Janus when they are again."""

from signaling.janus.orders import Check, Destroy
from signaling.janus.placing import MOST_LEFT
from tests.signaling.janus.test_janus_placing import Scene


def test_a_videoroom_of_a_room_that_was_not_ours_for_a_while_is_looked_at_before_it_is_gone_on_with() -> None:
    """A node that is cut off from the others does not run its rooms: in that time Janus may have been started anew."""
    scene = Scene()
    scene.come("ana")
    url, number = scene.place()
    scene.ask(url)
    assert scene.placing.review([]) == []
    assert scene.review() == []
    assert scene.place() == (url, number)
    assert scene.ask(url) == [Check(number, ("ana",))]
    scene.go("ana")
    assert scene.ask(url) == [Destroy(number)]


def test_a_videoroom_of_a_room_that_is_ours_again_and_over_before_janus_was_asked_is_destroyed() -> None:
    scene = Scene()
    scene.come("ana")
    url, number = scene.place()
    scene.ask(url)
    scene.placing.review([])
    scene.review()
    scene.go("ana")
    assert scene.ask(url) == [Destroy(number)]


def test_of_too_many_videorooms_that_were_let_go_of_the_oldest_are_forgotten() -> None:
    scene = Scene()
    numbers = []
    for _ in range(MOST_LEFT + 1):
        scene.come("ana")
        numbers.append(scene.place()[1])
        scene.placing.review([])
        scene.go("ana")
    assert list(scene.placing._left) == numbers[1:]
