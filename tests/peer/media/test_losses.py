from peer.media.losses import ENOUGH, Losses

TURN = 2**32


def test_the_first_report_is_taken_as_it_is() -> None:
    assert Losses().report(0.25, 7) == 0.25


def test_reports_about_a_handful_of_packets_are_put_together() -> None:
    losses = Losses()
    losses.report(0.0, 100)
    assert losses.report(0.75, 104) is None
    assert losses.report(0.0, 104) is None  # about no packet at all
    assert losses.report(0.0, 100 + ENOUGH) == 3 / ENOUGH
    assert losses.report(0.5, 100 + ENOUGH + 4) is None  # what was told is not told again
    assert losses.report(0.0, 100 + 2 * ENOUGH) == 2 / ENOUGH


def test_numbers_that_run_over_go_on() -> None:
    losses = Losses()
    losses.report(0.0, TURN - 10)
    assert losses.report(0.5, ENOUGH - 10) == 0.5


def test_a_report_that_was_overtaken_by_a_later_one_is_ignored() -> None:
    losses = Losses()
    losses.report(0.0, 100)
    assert losses.report(1.0, 60) is None
    assert losses.report(0.0, 100 + ENOUGH) == 0.0
