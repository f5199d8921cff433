"""What is found at a Janus that is not ours."""

from signaling.janus.hosting import Listed
from signaling.janus.survey import LEFT_BEHIND, Survey

MARK = "exeunt 1234"


def seen(number: int, participants: int = 0, description: str = MARK) -> Listed:
    return Listed(room=number, description=description, num_participants=participants)


def test_users_of_other_nodes_are_counted_and_ours_are_not() -> None:
    survey = Survey()
    assert survey.take([seen(1, 5), seen(2, 3), seen(3, 4, "a demo")], {1}, MARK, now=0.0) == []
    assert survey.users == 7
    assert survey.take([seen(1, 5)], {1}, MARK, now=1.0) == []
    assert survey.users == 0


def test_what_is_empty_for_long_and_nobodys_here_is_to_be_destroyed() -> None:
    survey, rooms = Survey(), [seen(1), seen(2), seen(3, 1), seen(4, 0, "a demo")]
    assert survey.take(rooms, {1}, MARK, now=0.0) == []
    assert survey.take(rooms, {1}, MARK, now=LEFT_BEHIND - 1) == []
    assert survey.take(rooms, {1}, MARK, now=LEFT_BEHIND) == [2]


def test_what_had_somebody_meanwhile_was_not_left_behind() -> None:
    survey = Survey()
    survey.take([seen(2)], (), MARK, now=0.0)
    survey.take([seen(2, 1)], (), MARK, now=30.0)
    assert survey.take([seen(2)], (), MARK, now=LEFT_BEHIND) == []
    assert survey.take([seen(2)], (), MARK, now=2 * LEFT_BEHIND) == [2]
