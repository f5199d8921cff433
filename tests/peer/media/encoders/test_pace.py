import pytest

from peer.media.encoders.pace import LONGEST, SHORTEST, Pace, follows, is_small_change


def test_a_steady_camera_keeps_its_frame_rate() -> None:
    pace = Pace(30)
    assert [pace.step(n / 30) for n in range(5)] == pytest.approx([1 / 30] * 5)
    assert pace.average == pytest.approx(1 / 30)


def test_frames_without_time_stamps_are_taken_to_be_in_time() -> None:
    pace = Pace(25)
    assert [pace.step(None), pace.step(3.0), pace.step(None)] == [1 / 25] * 3


def test_one_late_frame_is_jitter_and_a_second_is_a_new_frame_rate() -> None:
    pace = Pace(30)
    pace.step(0.0)
    pace.step(0.1)
    assert pace.average < 0.05
    pace.step(0.2)
    assert pace.average == pytest.approx(0.1)


def test_a_camera_that_becomes_faster_is_followed_as_quickly() -> None:
    pace = Pace(5)
    for moment in (0.0, 1 / 30, 2 / 30):
        pace.step(moment)
    assert pace.average == pytest.approx(1 / 30)


def test_late_and_early_frames_in_turn_do_not_change_the_frame_rate() -> None:
    pace = Pace(30)
    for moment in (0.0, 0.08, 0.09, 0.17, 0.18):
        pace.step(moment)
    assert pace.average == pytest.approx(1 / 30, rel=0.4)


def test_pauses_and_stamps_that_go_back_are_limited() -> None:
    pace = Pace(30)
    pace.step(0.0)
    assert pace.step(60.0) == LONGEST
    assert pace.step(1.0) == SHORTEST
    assert Pace(1).average == LONGEST


def test_an_open_codec_follows_within_limits() -> None:
    assert [follows(1000, bitrate) for bitrate in (124, 125, 1000, 4000, 4001)] == [False, True, True, True, False]


def test_fifteen_per_cent_are_a_small_change() -> None:
    assert [is_small_change(1000, bitrate) for bitrate in (849, 850, 1150, 1151)] == [False, True, True, False]
