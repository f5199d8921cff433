"""A WHEP player: its user in the room takes what one other user sends, and the player gets it as it comes."""

import asyncio
from contextlib import ExitStack

from peer.errors import Refused
from peer.events import RemoteUserJoin, RemoteUserLeave
from peer.gateways.proxy import Proxy
from peer.gateways.relay import Relay
from peer.gateways.relayed import Relayed
from peer.gateways.session import Guest, Session
from peer.media.aiortc_receiver import Inbound
from peer.publishing import Publishing
from signaling.messages import ErrorCode

ABSENCE_LIMIT = 30.0  # seconds for which a player waits for its user to come back


class Player(Session):
    """One player of `shown`. When that user leaves, it waits for a while: who is replaced is back at once."""

    def __init__(self, guest: Guest, shown: str, holds: ExitStack) -> None:
        proxy = Proxy(guest.url, room=guest.room, user=guest.user, token=guest.token, receive_from=(shown,))
        self._shown = shown
        self._publishing = Publishing(lambda _: None)
        self._relays: list[Relay] = []
        self._absence: asyncio.TimerHandle | None = None
        fanouts = self._publishing.fanouts
        super().__init__(guest, proxy, holds, {kind: fanouts[kind] for kind in guest.offer.kinds})
        proxy.on_remote_user_join(self._came)
        proxy.on_remote_user_leave(self._went)

    def _track(self, track: Inbound) -> None:
        """Players send nothing: their offers were looked at."""

    def _check(self) -> None:
        if self._shown not in self.proxy.users:
            raise Refused(ErrorCode.NO_SUCH_USER, f"{self._shown} is not in the room")

    def _came(self, event: RemoteUserJoin) -> None:
        user = self.proxy.users.get(event.user)
        if event.user != self._shown or user is None:
            return
        if self._absence is not None:
            self._absence.cancel()
        media = {"video": user.video, "audio": user.audio}
        self._relays = [Relay(media[kind], self._shown, self._publish) for kind in self.guest.offer.kinds]

    async def _went(self, event: RemoteUserLeave) -> None:
        if event.user != self._shown:
            return
        self._absence = self._loop.call_later(ABSENCE_LIMIT, self.leave)
        await self._stop()
        for publication in tuple(self._publishing.publications):
            await self._publishing.unpublish(publication)

    async def _publish(self, source: Relayed) -> None:
        await self._publishing.publish(source, None)

    async def _stop(self) -> None:
        relays, self._relays = self._relays, []
        for relay in relays:
            relay.close()
        await asyncio.gather(*(relay.wait_published() for relay in relays))

    async def _release(self) -> None:
        if self._absence is not None:
            self._absence.cancel()
        await self._stop()
        await self._publishing.close()
