"""Who may connect and join, by numbers. A core.

Limits of one address are limits of whoever shares it: a company behind one router, everybody behind a proxy that is not
trusted. What is said to whom is refused therefore names the option.
"""

from collections import Counter
from enum import StrEnum

from signaling.addresses import sharing
from signaling.config import SignalingConfig
from signaling.rates import Rates

MINUTE = 60.0  # seconds


class Limit(StrEnum):
    """What can be refused, slowed down or cut off because there is too much of it: the labels of a metric."""

    CONNECTIONS = "connections"
    CONNECTIONS_PER_ADDRESS = "connections_per_address"
    JOIN_RATE = "join_rate"
    JOIN_TIME = "join_time"
    MESSAGE_RATE = "message_rate"
    MESSAGE_SIZE = "message_size"
    OUTBOX = "outbox"
    PENDING = "pending"
    PENDING_PER_ADDRESS = "pending_per_address"
    ROOMS = "rooms"
    WRONG_KEYS = "wrong_keys"


class Gate:
    """Counts connections, joins and wrong keys."""

    def __init__(self, config: SignalingConfig) -> None:
        self._config = config
        self._connections: Counter[str] = Counter()  # by address
        self._all = 0
        self._pending: Counter[str] = Counter()  # connections that are no WebSockets yet, by address
        self._all_pending = 0
        self._joins = Rates(config.join_rate / MINUTE, config.join_rate)
        self._wrong_keys = Rates(config.wrong_keys / MINUTE, config.wrong_keys)

    def enter(self, address: str) -> Limit | None:
        """Count a connection in, unless that would be one too many: then say of what. `leave` must follow if not."""
        key = sharing(address)
        if _is_reached(self._all, self._config.max_connections):
            return Limit.CONNECTIONS
        if _is_reached(self._connections[key], self._config.connections_per_address):
            return Limit.CONNECTIONS_PER_ADDRESS
        self._connections[key] += 1
        self._all += 1
        return None

    def leave(self, address: str) -> None:
        """Count a connection out."""
        key = sharing(address)
        self._all -= 1
        self._connections[key] -= 1
        if not self._connections[key]:
            del self._connections[key]

    @property
    def pending(self) -> int:
        """How many connections are no WebSockets yet."""
        return self._all_pending

    def arrive(self, address: str, *, is_proxy: bool = False) -> Limit | None:
        """Count in a connection that is no WebSocket yet, as `enter` does; `depart` must follow."""
        key = sharing(address)
        if _is_reached(self._all_pending, self._config.max_pending):
            return Limit.PENDING
        if not is_proxy and _is_reached(self._pending[key], self._config.pending_per_address):
            return Limit.PENDING_PER_ADDRESS
        self._pending[key] += 1
        self._all_pending += 1
        return None

    def depart(self, address: str) -> None:
        """Count it out: it is a WebSocket, or gone."""
        key = sharing(address)
        self._all_pending -= 1
        self._pending[key] -= 1
        if not self._pending[key]:
            del self._pending[key]

    def may_join(self, address: str, now: float) -> bool:
        """Count a join in, unless there are too many from there."""
        return self._joins.may(sharing(address), now)

    def may_try(self, address: str, now: float) -> bool:
        """Whether a key or token from there is looked at: not after too many that were wrong."""
        return not self._wrong_keys.is_spent(sharing(address), now)

    def tried_in_vain(self, address: str, now: float) -> None:
        """Count a key or token from there that was wrong."""
        self._wrong_keys.may(sharing(address), now)


def _is_reached(count: int, limit: int) -> bool:
    return bool(limit) and count >= limit
