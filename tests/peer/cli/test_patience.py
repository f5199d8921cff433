"""How long a kiosk waits before it enters again."""

import pytest

from peer.cli.patience import CALM, LONGEST, SHORTEST, Patience
from signaling.reasons import Reason


def test_the_wait_doubles_with_every_failure_up_to_the_longest_for_months() -> None:
    patience = Patience()
    waits = [patience.after_failure() for _ in range(100_000)]
    assert waits[:4] == [SHORTEST, 2 * SHORTEST, 4 * SHORTEST, 8 * SHORTEST]
    assert set(waits[7:]) == {LONGEST}


def test_a_long_stay_forgets_all_failures_and_a_short_one_is_a_failure() -> None:
    patience = Patience()
    assert patience.after_failure() == SHORTEST
    assert patience.after_stay(Reason.NETWORK_LOST, CALM - 1) == 2 * SHORTEST
    assert patience.after_stay(Reason.NETWORK_LOST, CALM) == SHORTEST


@pytest.mark.parametrize("reason", [Reason.KICKED, Reason.REPLACED, Reason.DISMISSED, Reason.TOKEN_EXPIRED])
def test_who_was_sent_away_does_not_come_back_at_once(reason: Reason) -> None:
    assert Patience(7.0).after_stay(reason, 2 * CALM) == 7.0
