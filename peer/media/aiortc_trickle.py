"""Candidates that a connection gathers after its offer: private names of aiortc and aioice, which gather once, before.

Candidates of the host are there already; what is asked for here are those of STUN and TURN servers. ICE may be at work
meanwhile: relays are tried besides what it tries, and one that comes when a way was found is given back.
"""

import asyncio
import functools
import ipaddress
from typing import Any

import aiortc
from aioice import Candidate, TransportPolicy, ice
from aiortc import RTCIceServer, RTCPeerConnection
from aiortc.rtcicetransport import candidate_from_aioice, connection_kwargs
from aiortc.sdp import candidate_to_sdp

from peer.errors import ExeuntError

LIMIT = 5.0  # seconds for servers to answer, as aioice itself gives them
NAMES = (
    *("_check_list_done", "_local_candidates", "_protocols", "_remote_candidates", "_transport_policy"),
    *("_pair_remote_candidate", "sort_check_list"),
)


@functools.cache
def self_test() -> None:
    """Raise `ExeuntError` if this aiortc is not one that we know; later calls do nothing."""
    known = {*ice.Connection.__init__.__code__.co_names, *vars(ice.Connection)}
    if missing := [name for name in NAMES if name not in known]:
        raise ExeuntError(f"aiortc {aiortc.__version__} has no {', '.join(missing)}: install aiortc>=1.16,<1.17")


async def gather(connection: RTCPeerConnection, servers: list[RTCIceServer]) -> list[str]:
    """Gather what these servers give, once there is a local description with one transport; `LIMIT` bounds it.

    Returns the new candidates as in SDP ("candidate:..."). They are in use from then on. Servers that do not answer
    give none. Raises `ValueError` for an address that is none.
    """
    self_test()
    dtls: Any = connection.getTransceivers()[0].receiver.transport
    agent: ice.Connection = dtls.transport._connection
    tasks = {asyncio.create_task(one) for one in _asking(agent, connection_kwargs(servers))}
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=LIMIT)
    finally:
        for task in tasks:
            task.cancel()  # nothing, if it is done
    found = [task.result() for task in tasks if task.done() and not task.cancelled() and task.exception() is None]
    candidates = [candidate for candidate in found if candidate is not None]
    _use(agent, candidates)
    return [f"candidate:{candidate_to_sdp(candidate_from_aioice(one))}" for one in candidates]


def _asking(agent: ice.Connection, options: dict[str, Any]) -> list[Any]:
    """Return what is to be asked: a TURN server for a relay, a STUN server for what each of our ports looks like."""
    asking: list[Any] = []
    if "stun_server" in options and agent._transport_policy is TransportPolicy.ALL:
        asking += [_reflexive(port, options["stun_server"]) for port in agent._protocols if _is_of_host(port)]
    if "turn_server" in options:
        asking.append(_relayed(agent, {name: value for name, value in options.items() if name.startswith("turn_")}))
    return asking


def _is_of_host(port: ice.StunProtocol) -> bool:
    """Whether STUN is of use for a port; aioice asks by IPv4 only."""
    candidate = port.local_candidate
    return candidate.type == "host" and ipaddress.ip_address(candidate.host).version == 4


async def _reflexive(port: ice.StunProtocol, server: tuple[str, int]) -> Candidate:
    candidate, _ = await ice.server_reflexive_candidate(port, server)
    return candidate


async def _relayed(agent: ice.Connection, options: dict[str, Any]) -> Candidate | None:
    """Return a relay, which the agent closes with its other ports; None if none is needed any more."""
    candidate, port = await ice.relayed_candidate(
        component=1,
        hide_related_address=agent._transport_policy is TransportPolicy.RELAY,
        protocol_factory=lambda: ice.StunProtocol(agent),
        **options,
    )
    if agent._check_list_done:
        await port.close()
        return None
    agent._protocols.append(port)
    return candidate


def _use(agent: ice.Connection, candidates: list[Candidate]) -> None:
    agent._local_candidates += candidates
    for remote in agent._remote_candidates:
        agent._pair_remote_candidate(remote)  # with the ports that it is not paired with yet
    agent.sort_check_list()
