"""Has every client get new credentials for the TURN servers before those that it has are over."""

import asyncio
import time
from collections.abc import Callable

from signaling.config import SignalingConfig
from signaling.effects import Effect, Send
from signaling.messages import IceServers, Place, ServerMessage
from signaling.observer import Observer
from signaling.turn import Renewals, ice_servers


class Renewing(Observer):
    """`say(session, message)` says whether the session's socket is here: who has none gets new ones on coming back."""

    def __init__(self, config: SignalingConfig, say: Callable[[str, ServerMessage], bool]) -> None:
        self._config = config
        self._say = say
        self._renewals = Renewals(config.turn_ttl)
        self._alarm: asyncio.TimerHandle | None = None

    def did(self, effect: Effect) -> None:
        """Note who gets credentials with the news of where they are."""
        if isinstance(effect, Send) and isinstance(effect.message, Place):
            place, now = effect.message, asyncio.get_running_loop().time()
            self._renewals.given(place.session, place.user, now)
            self._set_alarm()

    def close(self) -> None:
        """Renew nothing any more."""
        if self._alarm is not None:
            self._alarm.cancel()

    def _set_alarm(self) -> None:
        due = self._renewals.next_deadline()
        if self._alarm is not None:
            if self._alarm.when() == due:
                return
            self._alarm.cancel()
        self._alarm = None if due is None else asyncio.get_running_loop().call_at(due, self._renew)

    def _renew(self) -> None:
        self._alarm = None
        for session, user in self._renewals.take(asyncio.get_running_loop().time()):
            if not self._say(session, IceServers(ice_servers=ice_servers(self._config, user, time.time()))):
                self._renewals.forget(session)
        self._set_alarm()
