"""The notice: how far the others have been told that we leave. Pure.

It goes two ways, to the server and straight to everybody we have a data channel with, and is over when whom we wait for
has answered. The server's answer, `exitRoom`, comes after everybody else has been told; it counts for all of them.
"""

from collections.abc import Iterable
from typing import Literal

Wait = Literal["server", "everyone"] | None


class Notice:
    """One leave and the answers to it."""

    def __init__(self) -> None:
        self._wait: Wait = "server"
        self._is_sent = False
        self._is_confirmed = False
        self._awaited: set[str] = set()
        self._answered: set[str] = set()

    def begin(self, wait: Wait, users: Iterable[str], *, is_sent: bool) -> None:
        """It is said now, to these users; `is_sent`: the server can hear it.

        Said once more (a cancelled step is begun again), it is not taken back, and who has answered need not again.
        """
        self._wait = wait
        self._is_sent |= is_sent
        if wait == "everyone" and not self._is_confirmed:
            self._awaited = set(users) - self._answered

    def acknowledged(self, user: str) -> None:
        """A user knows, or is gone."""
        if user in self._awaited:
            self._awaited.remove(user)
            self._answered.add(user)

    def confirmed(self, unacknowledged: Iterable[str] = ()) -> None:
        """The server has let us go; it names who has not acknowledged, if we wanted to know."""
        self._is_confirmed = True
        self._awaited = set(unacknowledged) - self._answered

    @property
    def is_over(self) -> bool:
        """Whether there is nobody left to wait for."""
        if self._is_confirmed or self._wait is None:
            return True
        return self._wait == "everyone" and bool(self._answered) and not self._awaited

    @property
    def status(self) -> str:
        """As in `ExitReport.notice`."""
        if self._is_confirmed:
            return "acknowledged"
        return "sent" if self._is_sent else "none"

    @property
    def unacknowledged(self) -> tuple[str, ...]:
        """Who has not said that they know, sorted."""
        return tuple(sorted(self._awaited))
