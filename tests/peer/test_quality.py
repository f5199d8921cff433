"""Grades of the connection with each user."""

import pytest

from peer.quality import BETTER_LOOKS, WORSE_LOOKS, Grades, Quality, Received, Sample, grade


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (Sample(), Quality.UNKNOWN),
        (Sample(loss=0.0, round_trip=0.02, frozen=0.0), Quality.EXCELLENT),
        (Sample(loss=0.01, round_trip=0.02), Quality.GOOD),
        (Sample(loss=0.05), Quality.POOR),
        (Sample(round_trip=0.5), Quality.BAD),
        (Sample(round_trip=9.0), Quality.VERY_BAD),
        (Sample(loss=0.3, round_trip=0.01), Quality.VERY_BAD),
        (Sample(loss=0.6), Quality.DOWN),
        (Sample(loss=0.0, frozen=0.2), Quality.BAD),
        (Sample(frozen=1.0), Quality.DOWN),
        (Sample(loss=0.0, is_down=True), Quality.DOWN),
    ],
)
def test_a_grade_is_the_worst_of_what_is_known(sample: Sample, expected: Quality) -> None:
    assert grade(sample) is expected


def test_what_comes_is_compared_with_the_look_before() -> None:
    before = Received(packets=100, lost=0, frozen=1.0)
    assert Received(190, 10, 1.5).since(before, 2.0) == (0.1, 0.25)
    assert Received(200, -1, 9.0).since(before, 2.0) == (0.0, 1.0)
    assert Received(100, 0, 1.0).since(before, 2.0) == (None, None)
    assert before.since(None, 2.0) == (None, None)


FINE, POOR, BAD = Sample(loss=0.0), Sample(loss=0.05), Sample(loss=0.1)


def changes(*samples: Sample) -> list[int]:
    grades = Grades()
    return [int(grades.look({"ana": sample}).get("ana", -1)) for sample in samples]


def test_the_first_grade_is_told_at_once_and_only_once() -> None:
    assert changes(Sample(), FINE, FINE) == [-1, 1, -1]


def test_one_bad_look_among_good_ones_changes_nothing() -> None:
    assert changes(FINE, POOR, FINE, POOR, FINE) == [1, -1, -1, -1, -1]


def test_it_gets_worse_quickly_and_better_slowly() -> None:
    assert changes(FINE, *[BAD] * WORSE_LOOKS) == [1, *[-1] * (WORSE_LOOKS - 1), 4]
    assert changes(BAD, *[FINE] * BETTER_LOOKS) == [4, *[-1] * (BETTER_LOOKS - 1), 1]
    assert changes(FINE, BAD, POOR) == [1, -1, 3]  # both were worse: the last counts
    assert changes(POOR, BAD, FINE, FINE, BAD, FINE) == [3, -1, -1, -1, -1, -1]


def test_down_and_not_known_are_told_at_once_and_so_is_their_end() -> None:
    assert changes(FINE, Sample(is_down=True), FINE, Sample(), FINE) == [1, 6, 1, 0, 1]


def test_everybody_has_a_grade_of_their_own_and_who_is_gone_has_none() -> None:
    grades = Grades()
    assert grades.look({"ana": FINE, "bo": BAD}) == {"ana": Quality.EXCELLENT, "bo": Quality.BAD}
    assert grades.look({"bo": BAD}) == {}
    assert (grades.of("ana"), grades.of("bo")) == (Quality.UNKNOWN, Quality.BAD)
    assert grades.look({"ana": FINE, "bo": BAD}) == {"ana": Quality.EXCELLENT}
