"""What one Janus is asked for, so that what should be comes true."""

from hypothesis import given, strategies as st

from signaling.janus.care import Care
from signaling.janus.orders import Allow, Check, Create, Destroy, Expel, Order, Remove, Watch
from signaling.janus_words import janus_id


def begun(*sessions: str, is_new: bool = True) -> Care:
    care = Care()
    care.begin(1, sessions, places=64, is_new=is_new)
    return care


def carry_out(care: Care) -> list[Order]:
    """Have everything done, as by a Janus that refuses nothing; return what that was."""
    done = []
    while (order := care.next()) is not None:
        care.did(order)
        done.append(order)
    return done


def test_a_new_videoroom_is_created_for_those_who_are_in() -> None:
    care = begun("ana", "ben")
    assert (care.rooms, care.users, 1 in care, 2 in care) == (1, 2, True, False)
    assert care.next() == care.next() == Create(1, ("ana", "ben"), 64)
    assert carry_out(care) == [Create(1, ("ana", "ben"), 64)]
    assert care.next() is None


def test_who_comes_is_let_in_and_who_goes_is_removed() -> None:
    care = begun("ana")
    carry_out(care)
    care.enter(1, "ben")
    care.enter(1, "ben")
    care.leave(1, "ana")
    assert carry_out(care) == [Remove(1, ("ana",)), Allow(1, ("ben",))]
    assert (care.rooms, care.users) == (1, 1)


def test_who_comes_and_goes_before_janus_was_asked_is_never_spoken_of() -> None:
    care = begun("ana")
    carry_out(care)
    care.enter(1, "ben")
    care.leave(1, "ben")
    care.leave(1, "ben")
    assert care.next() is None


def test_who_goes_while_they_are_being_let_in_is_removed_afterwards() -> None:
    care = begun("ana")
    carry_out(care)
    care.enter(1, "ben")
    order = care.next()
    assert order == Allow(1, ("ben",))
    care.leave(1, "ben")
    care.did(order)
    assert carry_out(care) == [Remove(1, ("ben",))]


def test_a_videoroom_that_is_over_is_destroyed() -> None:
    care = begun("ana")
    carry_out(care)
    care.end(1)
    assert (care.rooms, care.users) == (0, 0)
    assert carry_out(care) == [Destroy(1)]


def test_a_videoroom_that_is_over_before_it_was_asked_for_is_not_asked_for() -> None:
    care = begun("ana")
    care.end(1)
    assert care.next() is None


def test_a_videoroom_that_may_have_been_created_is_destroyed() -> None:
    care = begun("ana")
    order = care.next()
    assert isinstance(order, Create)
    care.postpone(order)  # no answer has come
    assert care.next() == order
    care.end(1)
    assert carry_out(care) == [Destroy(1)]


def test_one_that_was_asked_for_is_not_made_again_by_a_janus_that_may_be_another() -> None:
    """Who was in there is to hear that it is gone, which a new one with the same number would hide."""
    care = begun("ana")
    order = care.next()
    assert isinstance(order, Create)
    care.postpone(order)
    care.doubt()
    assert carry_out(care) == [Check(1, ("ana",))]


def test_one_that_another_server_may_have_created_is_looked_at_first() -> None:
    care = begun("ana", is_new=False)
    assert carry_out(care) == [Check(1, ("ana",))]
    care.enter(1, "ben")
    assert carry_out(care) == [Allow(1, ("ben",))]


def test_when_janus_may_have_forgotten_all_is_looked_at_again() -> None:
    care = begun("ana")
    carry_out(care)
    care.begin(2, ["ben"], places=64, is_new=True)
    care.doubt()
    assert carry_out(care) == [Create(2, ("ben",), 64), Check(1, ("ana",))]


def test_one_that_was_let_go_of_is_not_spoken_of_whatever_comes_of_it() -> None:
    care = begun("ana")
    carry_out(care)
    care.enter(1, "ben")
    order = care.next()
    assert order is not None
    care.let_go(1)
    care.let_go(1)
    care.did(order)
    assert care.next() is None
    assert (care.rooms, care.users) == (0, 0)


def test_what_janus_does_not_do_keeps_nothing_else_waiting() -> None:
    care = begun("ana")
    care.begin(2, ["ben"], places=8, is_new=True)
    first = care.next()
    assert first == Create(1, ("ana",), 64)
    care.postpone(first)
    assert carry_out(care) == [Create(2, ("ben",), 8), Create(1, ("ana",), 64)]


def test_after_an_answer_that_was_lost_the_videoroom_is_looked_at() -> None:
    care = begun("ana")
    carry_out(care)
    care.enter(1, "ben")
    order = care.next()
    assert order == Allow(1, ("ben",))
    care.postpone(order)
    care.leave(1, "ben")
    assert carry_out(care) == [Check(1, ("ana",))]
    care.enter(1, "ben")
    care.let_go(1)
    care.postpone(order)
    assert care.next() is None


def test_where_some_may_not_publish_it_is_watched_who_does_and_who_may_not_is_removed() -> None:
    care = begun("ana", "ben")
    care.silence(1, frozenset({"ben"}))
    assert carry_out(care)[1:] == [Watch(1, frozenset({"ben"}))]
    care.saw(1, janus_id("ana"), 1, publishes=True)
    care.saw(1, janus_id("ben"), 1, publishes=False)
    assert care.next() is None
    care.saw(1, janus_id("ben"), 1, publishes=True)
    assert carry_out(care) == [Expel(1, (janus_id("ben"),))]
    care.silence(1, frozenset({"ben"}))
    care.saw(2, janus_id("ben"), 1, publishes=True)
    assert care.next() is None


def test_who_may_publish_no_longer_is_looked_for_and_who_may_again_is_not() -> None:
    care = begun("ana", "ben")
    carry_out(care)
    care.silence(1, frozenset({"ana", "ben"}))
    assert carry_out(care) == [Watch(1, frozenset({"ana", "ben"}))]
    care.silence(1, frozenset({"ben"}))
    assert carry_out(care) == []
    care.saw(1, janus_id("ana"), 1, publishes=True)
    assert care.next() is None


def test_with_another_session_it_is_watched_anew() -> None:
    care = begun("ana")
    care.silence(1, frozenset({"ana"}))
    carry_out(care)
    care.saw(1, janus_id("ana"), 1, publishes=True)
    care.doubt()
    assert carry_out(care) == [Check(1, ("ana",)), Watch(1, frozenset({"ana"}))]
    care.saw(1, janus_id("ana"), 1, publishes=True)
    assert carry_out(care) == [Expel(1, (janus_id("ana"),))]


def test_when_words_may_have_been_lost_everything_is_looked_at_once() -> None:
    care = begun("ana")
    carry_out(care)
    care.look_again()
    assert carry_out(care) == [Watch(1, frozenset())]


def test_who_is_not_whom_their_id_says_is_removed_whether_they_publish_or_not() -> None:
    care = begun("ana")
    carry_out(care)
    assert (care.session(1, janus_id("ana")), care.session(1, 7), care.session(2, 7)) == ("ana", None, None)
    for participant, stay in ((janus_id("ana"), None), (7, None), (7, 1)):
        for publishes in (True, False):
            care.saw(1, participant, stay, publishes=publishes)
            assert carry_out(care) == [Expel(1, (participant,))]


def test_who_is_gone_before_they_were_removed_is_not_removed_when_they_are_back_as_who_they_are() -> None:
    care = begun("ana")
    carry_out(care)
    care.saw(1, janus_id("ana"), None, publishes=True)
    care.left(1, janus_id("ana"))
    care.saw(1, janus_id("ana"), 1, publishes=True)
    assert care.next() is None
    assert (care.missing(1, set()), care.missing(1, {janus_id("ana")})) == ({janus_id("ana")}, set())
    care.left(2, janus_id("ana"))
    assert care.missing(2, set()) == set()


def test_who_has_left_the_room_is_nobody_in_its_videoroom() -> None:
    care = begun("ana", "ben")
    carry_out(care)
    care.saw(1, janus_id("ana"), 1, publishes=True)
    care.leave(1, "ana")
    assert carry_out(care) == [Remove(1, ("ana",))]
    care.saw(1, janus_id("ana"), 2, publishes=True)
    assert carry_out(care) == [Expel(1, (janus_id("ana"),))]
    care.enter(1, "ana")
    assert care.session(1, janus_id("ana")) == "ana"


NAMES = st.sampled_from(["ana", "ben", "cleo"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["enter", "leave"]), NAMES) | st.sampled_from([("doubt", ""), ("ask", ""), ("fail", "")]),
    max_size=30,
)


@given(STEPS)
def test_whatever_happens_in_the_end_janus_lets_in_exactly_who_is_in(steps: list[tuple[str, str]]) -> None:
    care, inside = begun("ana"), {"ana"}
    janus: set[str] = set()

    def ask(*, is_heard: bool) -> None:
        order = care.next()
        match order:
            case None:
                return
            case Create(sessions=sessions) | Check(sessions=sessions):
                janus.clear()
                janus.update(sessions)
            case Allow(sessions=sessions):
                janus.update(sessions)
            case Remove(sessions=sessions):
                janus.difference_update(sessions)
            case Watch() | Expel() | Destroy():
                raise AssertionError
        care.did(order) if is_heard else care.postpone(order)

    for step, name in steps:
        match step:
            case "enter":
                care.enter(1, name)
                inside.add(name)
            case "leave":
                care.leave(1, name)
                inside.discard(name)
            case "doubt":
                care.doubt()
            case "ask" | "fail":
                ask(is_heard=step == "ask")
    while care.next() is not None:
        ask(is_heard=True)
    assert janus == inside
    assert care.users == len(inside)
