from peer.media.encoders.quiet import HANGOVER, KEEPALIVE, Quiet, loss_band


def test_silence_goes_out_for_200_ms_and_then_once_in_400() -> None:
    quiet = Quiet()
    out = [n for n in range(60) if quiet.goes_out(is_silent=True)]
    assert out == [*range(HANGOVER), HANGOVER + KEEPALIVE - 1, HANGOVER + 2 * KEEPALIVE - 1]


def test_the_first_sound_goes_out_and_the_hangover_begins_again() -> None:
    quiet = Quiet()
    for _ in range(HANGOVER + 3):
        quiet.goes_out(is_silent=True)
    assert not quiet.goes_out(is_silent=True)
    assert quiet.goes_out(is_silent=False)
    assert [quiet.goes_out(is_silent=True) for _ in range(HANGOVER + 1)] == [True] * HANGOVER + [False]


def test_loss_is_prepared_for_in_bands() -> None:
    assert [loss_band(loss, 0) for loss in (-0.1, 0.0, 0.049, 0.05, 0.1, 0.19, 0.2, 1.0)] == [
        0,
        0,
        0,
        5,
        10,
        10,
        20,
        20,
    ]


def test_a_band_is_left_only_when_the_loss_is_well_below_it() -> None:
    assert [loss_band(loss, 10) for loss in (0.09, 0.061, 0.06, 0.04, 0.0)] == [10, 10, 5, 0, 0]


def test_silence_is_resting_once_most_of_it_is_left_out() -> None:
    quiet = Quiet()
    rested = []
    for _ in range(HANGOVER + 1):
        rested.append(quiet.is_resting)
        quiet.goes_out(is_silent=True)
    assert not any(rested)
    assert quiet.is_resting
    quiet.goes_out(is_silent=False)
    assert not quiet.is_resting
