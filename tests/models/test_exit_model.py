"""One exit and its notice, whatever is called in whatever order: one reason, every step once, a report that adds up."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from peer.exit import LIMITS, Exit, ExitState
from peer.notice import Wait
from signaling.reasons import Reason
from tests.models import games

TOTAL = 10.0  # seconds: what the contract promises
STEPS = [state.name.lower() for state in LIMITS]
USERS = ("bo", "cy", "di")
some_users = st.lists(st.sampled_from(USERS), unique=True)


class ExitModel(RuleBasedStateMachine):
    """Calls what a shell may call: steps end within their limits, everything else comes whenever it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.exit = Exit()
        self.now = 50.0
        self.began: float | None = None
        self.first: tuple[Reason, str | None, Wait] = (Reason.LEFT, None, "server")
        self.ended: list[tuple[str, float, str]] = []  # name, when it ended and how
        self.is_sent = self.is_confirmed = False
        self.knowing: set[str] = set()  # users who have acknowledged since the notice began
        self.asked: set[str] = set()  # users whom any notice was for

    @property
    def step_began(self) -> float:
        return self.ended[-1][1] if self.ended else (self.began or 0.0)

    def is_under_way(self) -> bool:
        return ExitState.ACTIVE < self.exit.state < ExitState.EXITED

    @rule(
        reason=st.sampled_from(Reason),
        text=st.sampled_from([None, "bye"]),
        wait=st.sampled_from(["server", "everyone", None]),
    )
    def begin(self, reason: Reason, text: str | None, wait: Wait) -> None:
        is_first = self.began is None
        assert self.exit.begin(reason, text, self.now, wait) == is_first
        if is_first:
            self.began, self.first = self.now, (reason, text, wait)

    @precondition(is_under_way)
    @rule(ended=st.sampled_from(["ok", "timed out", "OSError: gone"]))
    def advance(self, ended: str) -> None:
        self.ended.append((self.exit.state.name.lower(), self.now, ended))
        self.exit.advance(self.now, ended)

    @rule(share=st.floats(0, 1))
    def time_passes(self, share: float) -> None:
        """No step outlasts its limit: its shell cuts it off."""
        if self.is_under_way():
            self.now = max(self.now, self.step_began + share * self.exit.limit)
        else:
            self.now += share * TOTAL

    @precondition(lambda self: self.exit.state is ExitState.NOTIFYING)
    @rule(users=some_users, is_sent=st.booleans())
    def say_it(self, users: list[str], is_sent: bool) -> None:
        """A step that is cancelled is begun once more, so this may come twice, when somebody has answered."""
        self.exit.notice.begin(self.exit.wait, users, is_sent=is_sent)
        self.is_sent |= is_sent
        if self.exit.wait == "everyone" and not self.is_confirmed:
            self.asked |= set(users)

    @rule(user=st.sampled_from(USERS))
    def acknowledged(self, user: str) -> None:
        waited_for = self.exit.notice.unacknowledged
        self.exit.notice.acknowledged(user)
        if user in waited_for:
            self.knowing.add(user)

    @rule(users=some_users)
    def confirmed(self, users: list[str]) -> None:
        self.exit.notice.confirmed(users)
        self.is_confirmed = True
        self.asked |= set(users)  # by the server: also for who has closed the room and waits
        assert set(self.exit.notice.unacknowledged) == set(users) - self.knowing

    @invariant()
    def there_is_one_reason_and_every_step_once_in_order(self) -> None:
        report = self.exit.report(self.now)
        assert self.exit.begun == (self.began is not None)
        assert (self.exit.reason, self.exit.text, self.exit.wait) == self.first
        assert (report.reason, report.text) == self.first[:2]
        assert [step.name for step in report.steps] == STEPS[: len(self.ended)]
        assert [(step.name, step.ended) for step in report.steps] == [(name, ended) for name, _, ended in self.ended]

    @invariant()
    def the_report_adds_up_and_is_bounded(self) -> None:
        if self.began is None:
            return
        report = self.exit.report(self.now)
        began = 0.0
        for step in report.steps:
            assert abs(step.began - began) < 1e-6
            assert 0 <= step.took <= LIMITS[ExitState[step.name.upper()]] + 1e-6
            began = step.began + step.took
        assert report.total >= began - 1e-6
        if self.ended:
            assert self.ended[-1][1] - self.began <= TOTAL + 1e-6

    @invariant()
    def the_notice_is_over_when_whom_it_waits_for_has_answered_and_not_sooner(self) -> None:
        notice = self.exit.notice
        waiting = set(notice.unacknowledged)
        assert list(notice.unacknowledged) == sorted(waiting)
        assert waiting <= self.asked
        assert not waiting & self.knowing
        assert notice.status == ("acknowledged" if self.is_confirmed else "sent" if self.is_sent else "none")
        if self.is_confirmed:
            assert notice.is_over
        elif waiting:
            assert not notice.is_over


ExitModel.TestCase.settings = games(400, steps=30)
test_an_exit_has_one_reason_every_step_once_and_an_end_in_time = ExitModel.TestCase
