"""The order of leaving, without a loop."""

import pytest

from peer.events import DeviceRelease, Outcome
from peer.exit import LIMITS, Exit, ExitState
from signaling.reasons import Reason


def test_the_first_reason_wins_and_later_ones_join() -> None:
    leave = Exit()
    assert leave.begin(Reason.KICKED, "bye", 10.0)
    assert not leave.begin(Reason.LEFT, None, 11.0)
    assert (leave.reason, leave.text) == (Reason.KICKED, "bye")


def test_an_exit_goes_through_every_step_once_in_order_whatever_fails() -> None:
    leave = Exit()
    leave.begin(Reason.LEFT, None, 100.0)
    seen = []
    for number, ended in enumerate(("timed out", "ok", "OSError: gone", "ok")):
        seen.append(leave.state)
        leave.advance(101.0 + number, ended)
    assert seen == [ExitState.NOTIFYING, ExitState.RELEASING, ExitState.CLOSING, ExitState.REPORTING]
    assert leave.state is ExitState.EXITED
    assert leave.took == 1.0
    report = leave.report(104.0)
    assert [(step.name, step.began, step.took, step.ended) for step in report.steps] == [
        ("notifying", 0.0, 1.0, "timed out"),
        ("releasing", 1.0, 1.0, "ok"),
        ("closing", 2.0, 1.0, "OSError: gone"),
        ("reporting", 3.0, 1.0, "ok"),
    ]
    assert report.total == 4.0


def test_no_step_without_a_beginning_and_none_after_the_end() -> None:
    leave = Exit()
    with pytest.raises(AssertionError):
        leave.advance(1.0)
    leave.begin(Reason.LEFT, None, 0.0)
    for _ in LIMITS:
        leave.advance(1.0)
    with pytest.raises(AssertionError):
        leave.advance(2.0)


def test_all_steps_together_are_bounded_by_ten_seconds() -> None:
    assert sum(LIMITS.values()) <= 10.0
    leave = Exit()
    leave.begin(Reason.LEFT, None, 0.0)
    assert leave.limit == LIMITS[ExitState.NOTIFYING]


def test_the_report_says_what_became_of_every_device() -> None:
    leave = Exit()
    assert not leave.begun
    leave.begin(Reason.ERROR, "ValueError: x", 0.0)
    assert leave.begun
    leave.notice.confirmed()
    leave.devices.append(DeviceRelease(device="camera /dev/video0", outcome=Outcome.VERIFIED, took=0.01))
    report = leave.report(0.5)
    assert (report.reason, report.text, report.notice) == (Reason.ERROR, "ValueError: x", "acknowledged")
    assert [device.outcome for device in report.devices] == [Outcome.VERIFIED]
