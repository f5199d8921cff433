"""How the media of the room that we are in pass: as the room says. A peer that is moved may need another way."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypedDict

from aiortc import RTCDataChannel

from peer.channel import ChannelMedia, ChannelMessage
from peer.media.aiortc_receiver import Inbound
from peer.media.fanout import Fanout
from peer.topology import Topology
from peer.topology.mesh import Mesh
from signaling.messages import IceServer, Place, Relay, Say


class Ends(TypedDict):
    """What every topology ties together: how we say something, what we send, and who gets what comes."""

    say: Callable[[Relay | Say], None]
    on_track: Callable[[str, Inbound], None]
    on_said: Callable[[str, str, ChannelMessage], None]
    greeting: Callable[[], ChannelMedia]
    outgoing: Mapping[str, Fanout]
    relay_only: bool
    receive_from: Collection[str] | None


class Choice:
    """Makes the topology of one room after the other; ends those that we have left behind.

    `on_channel(user, session, channel)` gets the data channels of these labels, where the topology has any.
    """

    def __init__(
        self, ends: Ends, *, on_channel: Callable[[str, str, RTCDataChannel], None], channels: Collection[str]
    ) -> None:
        self._ends = ends
        self._on_channel, self._channels = on_channel, channels
        self._is_of: tuple[str, str] | None = None  # which kind, and which room's if rooms have topologies of their own
        self._present: Topology | None = None
        self._former: set[asyncio.Task[None]] = set()

    def enter(self, place: Place, ice_servers: Sequence[IceServer], grants: frozenset[str]) -> Topology:
        """Return the topology of a room that we have come into, or are back in: the same as before, if it suits."""
        is_of = (place.topology, "" if place.topology == "mesh" else place.room)
        if self._present is not None and self._is_of == is_of:
            self._present.place(place.media)
            return self._present
        if self._present is not None:
            former = asyncio.create_task(self._present.close(), name="former topology")
            self._former.add(former)
            former.add_done_callback(self._former.discard)
        self._is_of, self._present = is_of, self._made(place, ice_servers, grants)
        return self._present

    async def close(self) -> None:
        """End all connections. Bounded by the caller, who does not wait for what hangs."""
        present = [] if self._present is None else [self._present.close()]
        await asyncio.gather(*present, *self._former)

    def _made(self, place: Place, ice_servers: Sequence[IceServer], grants: frozenset[str]) -> Topology:
        if place.topology == "janus":
            from peer.topology.janus import JanusVideoRoom  # with aiohttp a fifth of the start, for no other room

            return JanusVideoRoom(place.session, place.media, ice_servers=ice_servers, grants=grants, **self._ends)
        return Mesh(
            place.session,
            on_channel=self._on_channel,
            channels=self._channels,
            ice_servers=ice_servers,
            grants=grants,
            **self._ends,
        )
