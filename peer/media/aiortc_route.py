"""The route of packets through one of aiortc's transports: its private names, and those of aioice under it."""

import asyncio
import threading
from typing import Any

from aioice.turn import TurnTransport

from peer.media.route import Address, LockedSession, Route


class IcePair:
    """A candidate pair of aioice."""

    def __init__(self, pair: Any) -> None:
        self._transport: asyncio.DatagramTransport = pair.protocol.transport
        self.address: Address = pair.remote_addr

    @property
    def handle(self) -> int | None:
        """The UDP socket; a TURN relay has none of its own."""
        shared = None if isinstance(self._transport, TurnTransport) else self._transport.get_extra_info("socket")
        return None if shared is None else int(shared.fileno())

    def send(self, packet: bytes) -> None:
        """Send a packet."""
        self._transport.sendto(packet, self.address)


def shared_route(dtls: Any) -> "SharedRoute | None":
    """Return the route of a transport, which all its senders share; None if it is closed."""
    if dtls._tx_srtp is None or dtls.state != "connected":
        return None
    route: SharedRoute | None = getattr(dtls, "_exeunt_route", None)
    if route is None or route.users == 0:
        route = dtls._exeunt_route = SharedRoute(dtls)
    route.users += 1
    return route


class SharedRoute(Route):
    """The route of one DTLS transport; the last user to leave closes it."""

    def __init__(self, dtls: Any) -> None:
        lock, session = threading.Lock(), dtls._tx_srtp
        if isinstance(session, LockedSession):
            lock, session = session.lock, session.session
        dtls._tx_srtp = LockedSession(session, lock)
        self.tag = 16 if b"GCM" in dtls._ssl.get_selected_srtp_profile() else 10  # RFC 7714; RFC 3711, section 4.2.1
        self.users = 0
        nominated = dtls.transport._connection._nominated
        super().__init__(session, lock, find=lambda: nominated.get(1), adopt=IcePair)

    def close(self) -> None:
        """One user less."""
        self.users -= 1
        if self.users == 0:
            super().close()
