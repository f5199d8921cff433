"""Who is told of all that a server hears and does: the journal, the metrics, the webhooks.

An observer sees everything in its order, in the middle of the work: nothing that it does may wait, and what it raises
is logged and harms nobody.
"""

import logging
from collections.abc import Callable
from typing import Unpack

from signaling.effects import Effect
from signaling.entry import Facts
from signaling.messages import ClientMessage, Farewell
from signaling.reasons import Detection

log = logging.getLogger(__name__)


class Observer:
    """Sees nothing: subclasses say what they look at."""

    def started(self, grace: float) -> None:
        """The server is there."""

    def stopping(self) -> None:
        """Everybody is being sent away."""

    def opened(self, session: str) -> None:
        """Somebody has connected."""

    def lost(self, session: str, detected_by: Detection, silent_for: float, grace: float) -> None:
        """A socket has ended without a word; its user may come back within `grace` seconds."""

    def restored(self, session: str, room: str, user: str) -> None:
        """Somebody whom another process knew is in a room here, and unreachable until they come back."""

    def heard(self, session: str, message: ClientMessage) -> None:
        """Somebody has said something, before it is decided what follows."""

    def kick_asked(self, room: str, user: str, /, **how: Unpack[Facts]) -> None:
        """Somebody is to be removed: `by` or `via`, `text`, `ban_for`."""

    def dismiss_asked(self, room: str, /, **how: Unpack[Facts]) -> None:
        """A room is to be closed: `by` or `via`, `text`."""

    def farewell(self, farewell: Farewell) -> None:
        """Something was said for a session by whoever holds its ticket."""

    def did(self, effect: Effect) -> None:
        """This is being done."""

    def due(self, at: float) -> None:
        """Something that was to happen at this moment of the loop's clock happens now: a grace is over."""

    def handed_over(self) -> None:
        """All that followed from what was last heard, lost, asked or due is with the sockets."""

    def refused(self, limit: str) -> None:
        """Somebody was refused, slowed down or cut off because of a limit of number, size, rate or time."""

    def turned_away(self, code: str, address: str) -> None:
        """Somebody at that address was refused, slowed down or cut off, or said what cannot be read."""

    def called(self, facts: Facts) -> None:
        """The admin API was asked to change something, and this came of it."""

    def bus_lag(self, seconds: float) -> None:
        """Something that another node wrote was read here so much later."""

    def bus_changed(self, *, is_up: bool) -> None:
        """The bus between nodes cannot be reached, or can again."""


class Observers(Observer):
    """Several as one."""

    def __init__(self) -> None:
        self._all: tuple[Observer, ...] = ()

    def add(self, observer: Observer) -> None:
        """Let one more see what happens from now on."""
        self._all = (*self._all, observer)

    def remove(self, observer: Observer) -> None:
        """Let one see no more. One that is not there is ignored."""
        self._all = tuple(other for other in self._all if other is not observer)

    def started(self, grace: float) -> None:
        """The server is there."""
        self._each(lambda one: one.started(grace))

    def stopping(self) -> None:
        """Everybody is being sent away."""
        self._each(lambda one: one.stopping())

    def opened(self, session: str) -> None:
        """Somebody has connected."""
        self._each(lambda one: one.opened(session))

    def lost(self, session: str, detected_by: Detection, silent_for: float, grace: float) -> None:
        """A socket has ended without a word; its user may come back within `grace` seconds."""
        self._each(lambda one: one.lost(session, detected_by, silent_for, grace))

    def restored(self, session: str, room: str, user: str) -> None:
        """Somebody whom another process knew is in a room here, and unreachable until they come back."""
        self._each(lambda one: one.restored(session, room, user))

    def heard(self, session: str, message: ClientMessage) -> None:
        """Somebody has said something, before it is decided what follows."""
        self._each(lambda one: one.heard(session, message))

    def kick_asked(self, room: str, user: str, /, **how: Unpack[Facts]) -> None:
        """Somebody is to be removed: `by` or `via`, `text`, `ban_for`."""
        self._each(lambda one: one.kick_asked(room, user, **how))

    def dismiss_asked(self, room: str, /, **how: Unpack[Facts]) -> None:
        """A room is to be closed: `by` or `via`, `text`."""
        self._each(lambda one: one.dismiss_asked(room, **how))

    def farewell(self, farewell: Farewell) -> None:
        """Something was said for a session by whoever holds its ticket."""
        self._each(lambda one: one.farewell(farewell))

    def did(self, effect: Effect) -> None:
        """This is being done."""
        self._each(lambda one: one.did(effect))

    def due(self, at: float) -> None:
        """Something that was to happen at this moment of the loop's clock happens now: a grace is over."""
        self._each(lambda one: one.due(at))

    def handed_over(self) -> None:
        """All that followed from what was last heard, lost, asked or due is with the sockets."""
        self._each(lambda one: one.handed_over())

    def refused(self, limit: str) -> None:
        """Somebody was refused, slowed down or cut off because of a limit of number, size, rate or time."""
        self._each(lambda one: one.refused(limit))

    def turned_away(self, code: str, address: str) -> None:
        """Somebody at that address was refused, slowed down or cut off, or said what cannot be read."""
        self._each(lambda one: one.turned_away(code, address))

    def called(self, facts: Facts) -> None:
        """The admin API was asked to change something, and this came of it."""
        self._each(lambda one: one.called(facts))

    def bus_lag(self, seconds: float) -> None:
        """Something that another node wrote was read here so much later."""
        self._each(lambda one: one.bus_lag(seconds))

    def bus_changed(self, *, is_up: bool) -> None:
        """The bus between nodes cannot be reached, or can again."""
        self._each(lambda one: one.bus_changed(is_up=is_up))

    def _each(self, tell: Callable[[Observer], None]) -> None:
        for one in self._all:
            try:
                tell(one)
            except Exception:  # an onlooker's mistake must not keep a leave from being told
                log.exception("an observer failed: %r", one)
