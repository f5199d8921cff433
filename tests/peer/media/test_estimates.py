"""What the reports of one viewer say about its link."""

import math

import pytest

from peer.media.estimates import FORGOTTEN, LEAST, REMB_AGE, REPORT_AGE, Estimate

MOST = 2_000_000


def lossy(*reports: tuple[float, float], remb: float | None = None) -> Estimate:
    """An estimate after reports (seconds, share lost)."""
    estimate = Estimate()
    if remb is not None:
        estimate.remb(remb, 0.0)
    for now, lost in reports:
        estimate.report(lost, now, round_trip=0.1, most=MOST)
    return estimate


def test_nothing_bounds_a_link_of_which_nothing_is_known() -> None:
    assert lossy().bitrate(100.0) == lossy((1.0, 0.0), (2.0, 0.05)).bitrate(100.0) == math.inf
    assert lossy().loss(100.0) == 0.0


@pytest.mark.parametrize(
    ("reports", "remb", "expected"),
    [
        ([(1.0, 0.2)], None, MOST * 0.9),  # from what is sent, as nothing else bounds it
        ([(1.0, 0.2)], 5_000_000, MOST * 0.9),
        ([(1.0, 0.1)], 1_000_000, 1_000_000),
        ([(1.0, 0.2), (2.0, 0.2)], None, MOST * 0.81),
        ([(1.0, 0.2), (1.3, 0.2)], None, MOST * 0.9),  # the cut does not show in a report yet
        ([(1.0, 0.2), (2.0, 0.05)], None, MOST * 0.9),
        ([(1.0, 0.2), (2.0, 0.01)], None, MOST * 0.9 * 1.05),
        ([(1.0, 0.2), (3.0, 0.01)], None, MOST * 0.9 * 1.05**2),
        ([(1.0, 0.2), (99.0, 0.01)], None, MOST * 0.9 * 1.05**5),  # a report stands for five seconds at most
        ([(1.0, 0.2)], 1_000_000, 1_000_000),
        ([(second, 1.0) for second in range(1, 100)], None, LEAST),
    ],
)
def test_loss_cuts_the_estimate_and_its_absence_lets_it_grow(
    reports: list[tuple[float, float]], remb: float | None, expected: float
) -> None:
    estimate = lossy(*reports, remb=remb)
    assert estimate.bitrate(REMB_AGE) == pytest.approx(expected)


def test_a_remb_holds_for_a_while_and_is_then_forgotten_slowly() -> None:
    estimate = lossy(remb=1_000_000)
    assert estimate.bitrate(REMB_AGE) == 1_000_000
    assert estimate.bitrate(REMB_AGE + 2) == pytest.approx(1_102_500)
    assert 100_000_000 < estimate.bitrate(REMB_AGE + FORGOTTEN - 0.1) < math.inf
    assert estimate.bitrate(REMB_AGE + FORGOTTEN) == math.inf
    estimate.remb(500_000, 300.0)
    assert estimate.bitrate(300.0) == 500_000


def test_the_last_loss_counts_until_it_is_old_or_the_rate_is_another() -> None:
    estimate = lossy((1.0, 0.3))
    assert (estimate.loss(1.0), estimate.loss(0.9 + REPORT_AGE), estimate.loss(1.0 + REPORT_AGE)) == (0.3, 0.3, 0.0)
    estimate.forget_loss()
    assert estimate.loss(1.0) == 0.0
