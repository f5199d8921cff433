"""Another machine's time stamps on the capture clock."""

from peer.gateways.relayed_clock import RelayedClock


def test_distances_stay_as_the_sender_made_them_however_they_arrive() -> None:
    clock = RelayedClock(90_000, is_gapless=True)
    assert clock.stamp(5_000, 10.0) == 900_000
    assert clock.stamp(8_000, 10.09) == 903_000
    assert clock.stamp(11_000, 10.02) == 906_000


def test_what_runs_away_is_put_right_at_once() -> None:
    clock = RelayedClock(48_000, is_gapless=False)
    clock.stamp(0, 10.0)
    assert clock.stamp(960, 10.2) == 489_600
    assert clock.stamp(1_920, 10.22) == 490_560


def test_a_sender_that_counts_anew_goes_on_where_the_clock_is() -> None:
    clock = RelayedClock(48_000, is_gapless=False)
    clock.stamp(1_000_000, 10.0)
    assert clock.stamp(7, 10.02) == 480_960


def test_sound_that_would_be_heard_twice_is_left_out_and_pictures_are_not() -> None:
    sound, picture = RelayedClock(48_000, is_gapless=False), RelayedClock(90_000, is_gapless=True)
    sound.stamp(0, 10.0)
    assert sound.stamp(960, 9.8) is None
    assert [sound.stamp(960 * number, 9.8 + 0.02 * (number - 1)) for number in (2, 11, 12)] == [None, None, 480_960]
    picture.stamp(0, 10.0)
    assert picture.stamp(3_000, 9.0) == 900_001
