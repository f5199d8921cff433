"""How one leaves: the order of the steps, their limits, and the report. Pure: `leaving.py` carries the steps out.

    ACTIVE ──begin(reason)──► NOTIFYING ──► RELEASING ──► CLOSING ──► REPORTING ──► EXITED
             first wins        the others    devices       media,       on_exit_room
             others join it    are told      are free      sockets

`advance` is the only way forward. No step is skipped because an earlier one failed, and none may outlast its limit.
"""

from enum import IntEnum

from peer.events import DeviceRelease, ExitReport, ExitStep
from peer.notice import Notice, Wait
from signaling.reasons import Reason


class ExitState(IntEnum):
    """What is happening, in the order in which it happens."""

    ACTIVE = 0
    NOTIFYING = 1
    RELEASING = 2
    CLOSING = 3
    REPORTING = 4
    EXITED = 5


LIMITS: dict[ExitState, float] = {  # seconds; together at most 10
    ExitState.NOTIFYING: 1.0,
    ExitState.RELEASING: 2.0,
    ExitState.CLOSING: 2.0,
    ExitState.REPORTING: 5.0,
}


class Exit:
    """One exit: it begins once and goes through every step once."""

    def __init__(self) -> None:
        self.state = ExitState.ACTIVE
        self.reason = Reason.LEFT
        self.text: str | None = None
        self.wait: Wait = "server"
        self.notice = Notice()
        self.devices: list[DeviceRelease] = []
        self._steps: list[ExitStep] = []
        self._began = 0.0
        self._step_began = 0.0

    @property
    def begun(self) -> bool:
        """Whether anybody has asked to leave."""
        return self.state is not ExitState.ACTIVE

    @property
    def limit(self) -> float:
        """Seconds that the current step may take."""
        return LIMITS[self.state]

    @property
    def took(self) -> float:
        """Seconds that the last step took."""
        return self._steps[-1].took

    def begin(self, reason: Reason, text: str | None, now: float, wait: Wait = "server") -> bool:
        """Enter the first step. Says whether this call was the first: later ones join the exit that is under way."""
        if self.begun:
            return False
        self.reason, self.text, self.wait = reason, text, wait
        self._began = self._step_began = now
        self.state = ExitState.NOTIFYING
        return True

    def advance(self, now: float, ended: str = "ok") -> None:
        """The current step's work is over, well or badly: enter the next."""
        assert ExitState.ACTIVE < self.state < ExitState.EXITED, self.state
        step = ExitStep(
            name=self.state.name.lower(),
            began=self._step_began - self._began,
            took=now - self._step_began,
            ended=ended,
        )
        self._steps.append(step)
        self._step_began = now
        self.state = ExitState(self.state + 1)

    def report(self, now: float) -> ExitReport:
        """Say how it went so far."""
        return ExitReport(
            reason=self.reason,
            text=self.text,
            notice=self.notice.status,
            unacknowledged=self.notice.unacknowledged,
            steps=tuple(self._steps),
            devices=tuple(self.devices),
            total=now - self._began,
        )
