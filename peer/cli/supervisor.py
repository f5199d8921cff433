"""What systemd is told: that we are ready, how we are, that we live (sd_notify(3), `Type=notify`, `WatchdogSec=`)."""

import logging
import os
import socket
from collections.abc import MutableMapping

log = logging.getLogger(__name__)


class Supervisor:
    """Says words to the socket that the supervisor of this process named; without one, to nobody.

    `watchdog` is the number of seconds within which "WATCHDOG=1" is expected again and again; None: it is not.
    """

    def __init__(self, address: str | None, watchdog: float | None = None) -> None:
        self.watchdog = None if address is None else watchdog
        self._address = None if address is None else address.replace("@", "\0", 1) if address[0] == "@" else address
        self._socket: socket.socket | None = None
        if address is not None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    @classmethod
    def of_this_process(cls, environment: MutableMapping[str, str] = os.environ) -> "Supervisor":
        """Read what systemd wrote into the environment, and take it out: processes that we start are not watched."""
        address = environment.pop("NOTIFY_SOCKET", None)
        microseconds, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        is_ours = microseconds.isdigit() and pid in ("", str(os.getpid()))
        return cls(address or None, int(microseconds) / 1e6 if is_ours else None)

    def say(self, **words: str) -> None:
        """Say words at once, as `say(READY="1", STATUS="in room lobby")`; what cannot be said is lost."""
        if self._socket is None or self._address is None:
            return
        lines = "\n".join(f"{name}={' '.join(text.split())}" for name, text in words.items())
        try:
            self._socket.sendto(lines.encode(), self._address)
        except OSError as error:
            log.warning("the supervisor does not hear us: %s", error)

    def close(self) -> None:
        """Say nothing more. May be called twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
