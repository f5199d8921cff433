"""What one Janus is asked for over one session: order after order, and from time to time what else is there."""

import contextlib
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence

from signaling.janus import hosting
from signaling.janus.asking import ask
from signaling.janus.failures import Code, JanusRefused
from signaling.janus.orders import Allow, Check, Create, Destroy, Expel, Order, Remove, Watch
from signaling.janus.placing import Server
from signaling.janus.session import Handle, JanusSession
from signaling.janus.ushers import Ushers
from signaling.janus.videoroom import ListParticipants
from signaling.janus_words import MAX_JANUS_ID, janus_id

WHY = "they publish and may not, or are not who they say they are"
log = logging.getLogger(__name__)


class Errands:
    """Over one handle of a session. `wake` is called when Janus has said what leads to another order."""

    def __init__(
        self, session: JanusSession, handle: Handle, server: Server, secret: str, *, wake: Callable[[], None]
    ) -> None:
        self._handle = handle
        self._server = server
        self._secret = secret
        self._ushers = Ushers(session, server.care, secret, wake)

    async def see_whether_we_may(self) -> None:
        """See whether we may create VideoRooms. Raises `JanusFailure`: `JanusRefused` if we may not."""
        number = secrets.randbelow(MAX_JANUS_ID) + 1
        await self._handle.ask(hosting.create(number, (), 1, self._secret))
        await self._handle.ask(hosting.destroy(number, self._secret))

    async def carry_out(self, order: Order) -> None:
        """Ask Janus for something. Raises `JanusFailure`."""
        match order:
            case Create(number, sessions, places):
                await self._create(number, sessions, places)
            case Check(number, sessions):
                await self._check(number, sessions)
            case Allow(number, sessions):
                await self._handle.ask(hosting.allow(number, sessions, self._secret))
            case Remove(number, sessions):
                tokens = [hosting.token_of(number, session, self._secret) for session in sessions]
                await self._remove(number, tokens, map(janus_id, sessions))
            case Watch(number):
                await self._ushers.watch(self._handle, number)
            case Expel(number, participants):
                log.warning("Janus %s: %d removed from room %d: %s", self._server.url, len(participants), number, WHY)
                await self._kick(number, participants)
            case Destroy(number):  # pragma: no branch - mypy checks that nothing is left
                await self._handle.ask(hosting.destroy(number, self._secret))

    async def survey(self, now: float) -> None:
        """See how busy this Janus is, and have what is left there of servers that were killed destroyed."""
        server = self._server
        await self._ushers.tidy()
        server.care.look_again()
        rooms = (await ask(self._handle, hosting.ListRooms(admin_key=self._secret), hosting.Listing)).rooms
        for number in server.survey.take(rooms, server.care, hosting.mark(self._secret), now):
            log.warning("Janus %s: VideoRoom %d was left behind and is destroyed", server.url, number)
            with contextlib.suppress(JanusRefused):  # another node was quicker
                await self._handle.ask(hosting.destroy(number, self._secret))

    async def _create(self, number: int, sessions: Sequence[str], places: int) -> None:
        let_in = (*sessions, self._ushers.session)
        try:
            await self._handle.ask(hosting.create(number, let_in, places, self._secret))
        except JanusRefused as error:
            if error.code != Code.ROOM_EXISTS:  # it was created already, and we did not hear of it
                raise
            await self._check(number, sessions)
        else:
            await self._ushers.watch(self._handle, number)

    async def _check(self, number: int, sessions: Sequence[str]) -> None:
        """Let in these sessions and nobody else. Raises `JanusRefused` if there is no such VideoRoom."""
        let_in = (*sessions, self._ushers.session)
        allowed = await ask(self._handle, hosting.allow(number, let_in, self._secret), hosting.Tokens)
        present = await ask(self._handle, ListParticipants(room=number), hosting.Present)
        tokens = hosting.strangers(number, let_in, allowed, self._secret)
        await self._remove(number, tokens, hosting.intruders(let_in, present))
        await self._ushers.watch(self._handle, number)

    async def _remove(self, number: int, tokens: Sequence[str], ids: Iterable[int]) -> None:
        """Let in nobody with these tokens any more, then remove who is in: nobody comes in between."""
        await self._handle.ask(hosting.disallow(number, tokens, self._secret))
        await self._kick(number, ids)

    async def _kick(self, number: int, ids: Iterable[int]) -> None:
        for participant in ids:
            try:
                await self._handle.ask(hosting.kick(number, participant, self._secret))
            except JanusRefused as error:
                if error.code != Code.NO_SUCH_FEED:  # it was not in, or has gone by itself
                    raise
