"""When the other end of a connection of aiortc's last gave a sign of life: private names of aiortc and aioice.

aiortc says of a connection whose other end is dead that it is closed, after half a minute. Whoever wants to know sooner
listens to what comes: media and their reports, the other side's checks of ICE and its answers to ours. Only what
carries the proof that it comes from there is a sign: anybody can send something to a port.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiortc import RTCPeerConnection


class SignsOfLife:
    """Listens to a connection that has gathered its candidates, for as long as that lives."""

    def __init__(self, connection: RTCPeerConnection) -> None:
        self.heard_at = time.monotonic()  # when the other end was last heard
        transports: set[Any] = {one.receiver.transport for one in connection.getTransceivers()}
        for transport in transports:
            transport._handle_rtp_data = self._noting(transport._handle_rtp_data)  # what SRTP has authenticated
            transport._handle_rtcp_data = self._noting(transport._handle_rtcp_data)
        for ice in {transport.transport._connection for transport in transports}:
            ice.check_incoming = self._noting(ice.check_incoming)  # requests that are signed
            for protocol in ice._protocols:
                protocol.request = self._noting_answers(protocol.request)

    def _noting(self, take: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            self.heard_at = time.monotonic()
            return take(*args, **kwargs)

        return noted

    def _noting_answers(self, request: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def noted(*args: Any, **kwargs: Any) -> Any:
            answer = await request(*args, **kwargs)
            self.heard_at = time.monotonic()
            return answer

        return noted
