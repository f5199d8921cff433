"""A WHIP publisher: what it sends is what its user in the room publishes, as it comes."""

import asyncio
from contextlib import ExitStack

from peer.gateways.proxy import Proxy
from peer.gateways.relay import Relay
from peer.gateways.session import Guest, Session
from peer.media.aiortc_receiver import Inbound
from peer.media.receive import RemoteMedia


class Publisher(Session):
    """One publisher. Its user receives nobody: WHIP has no way back."""

    def __init__(self, guest: Guest, holds: ExitStack) -> None:
        proxy = Proxy(guest.url, room=guest.room, user=guest.user, token=guest.token, receive_from=())
        self._incoming = {kind: RemoteMedia(kind) for kind in guest.offer.kinds}
        self._relays = [Relay(media, guest.user, proxy.publish) for media in self._incoming.values()]
        super().__init__(guest, proxy, holds, {})

    def _track(self, track: Inbound) -> None:
        if track.kind in self._incoming:
            self._incoming[track.kind].attach(track)

    def _check(self) -> None:
        """Whoever may publish is of use."""

    async def _release(self) -> None:
        for relay in self._relays:
            relay.close()
        for media in self._incoming.values():
            media.close()
        await asyncio.gather(*(relay.wait_published() for relay in self._relays))
