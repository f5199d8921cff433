import pytest

from peer.cli.load.figures import MOST_KINDS, Delays, Figures, Load, delays
from peer.cli.load.plot import MOST_BINS, distribution, per_second


def test_the_percentiles_are_samples_in_milliseconds() -> None:
    assert delays([number / 1000 for number in range(1, 101)]) == Delays(
        median=50.0, p95=95.0, p99=99.0, worst=100.0, samples=100
    )
    assert delays([0.0042]) == Delays(median=4.2, p95=4.2, p99=4.2, worst=4.2, samples=1)


def test_of_no_samples_there_is_nothing_to_say() -> None:
    assert delays([]) == Delays()


def test_the_results_are_rates_over_the_time_they_took() -> None:
    figures = Figures(joined=10, joining=2.0, sent=30, expected=90, speaking=3.0, messages=[0.001] * 60)
    results = figures.results()
    assert (results.joins_per_second, results.sent_per_second, results.heard_per_second) == (5.0, 10.0, 20.0)
    assert results.missing == 30


def test_a_test_that_took_no_time_has_no_rates() -> None:
    assert Figures().results().joins_per_second == 0.0


def test_errors_are_counted_by_their_sentence_and_few_sentences_are_kept() -> None:
    figures = Figures()
    for number in range(MOST_KINDS + 5):
        figures.failed(f"error {number}")
    figures.failed("error 1")
    errors = figures.results().errors
    assert errors["error 1"] == 2
    assert errors["others"] == 5
    assert len(errors) == MOST_KINDS + 1


def test_everybody_is_in_some_room() -> None:
    assert Load(rooms=3, users=4, rate=1, seconds=1).everybody == 12


def test_moments_are_counted_by_the_second() -> None:
    middles, rates = per_second([0.1, 0.2, 0.9, -1.0, 99.0], 1.0)
    assert middles == pytest.approx([0.125, 0.375, 0.625, 0.875])
    assert rates == [8.0, 0.0, 0.0, 4.0]
    assert len(per_second([], 1000.0)[0]) == MOST_BINS
    assert per_second([0.1], 0.0) == ([0.125], [4.0])


def test_a_distribution_ends_with_all_and_has_few_points() -> None:
    assert distribution([0.003, 0.001]) == ([1.0, 3.0], [50.0, 100.0])
    milliseconds, percent = distribution([0.001] * 12_000)
    assert len(milliseconds) == len(percent) == 1000
    assert percent[-1] == 100.0
