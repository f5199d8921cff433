"""Which candidate pair a connection of aiortc's uses, and how long STUN takes there: private names of aioice."""

import functools
import time
from collections.abc import Callable
from typing import Any

from aiortc import RTCPeerConnection

from peer.media.inbound_stats import CandidatePairStats

MOST_TIMED = 64  # addresses of the other side that are remembered


def timed(request: Callable[..., Any]) -> Callable[..., Any]:
    """Have `StunProtocol.request` note how long the answer took, by address."""

    @functools.wraps(request)
    async def wrapped(self: Any, message: Any, addr: tuple[str, int], *args: Any, **options: Any) -> Any:
        began = time.monotonic()
        answer = await request(self, message, addr, *args, **options)
        times: dict[tuple[str, int], float] = self.__dict__.setdefault("_exeunt_round_trips", {})
        if addr in times or len(times) < MOST_TIMED:
            times[addr] = time.monotonic() - began
        return answer

    return wrapped


def selected_pair(connection: RTCPeerConnection, user: str) -> CandidatePairStats | None:
    """Return what is known of the pair that packets take to and from a user; None if there is none (yet)."""
    for transceiver in connection.getTransceivers():
        dtls: Any = transceiver.receiver.transport
        pair: Any = dtls.transport._connection._nominated.get(1)
        if pair is not None:
            times = pair.protocol.__dict__.get("_exeunt_round_trips", {})
            return CandidatePairStats(
                user=user,
                local_candidate_type=pair.local_candidate.type,
                local_address=pair.local_candidate.host,
                local_port=pair.local_candidate.port,
                remote_candidate_type=pair.remote_candidate.type,
                remote_address=pair.remote_candidate.host,
                remote_port=pair.remote_candidate.port,
                current_round_trip_time=times.get(pair.remote_addr),
            )
    return None
