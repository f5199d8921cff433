"""Has one Janus do what `care.py` says, for as long as our server runs; says how it is. It decides nothing.

connect ──► attach ──► try whether we may create VideoRooms ──► ALIVE: order after order ──► lost ──► connect …
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from signaling.janus.errands import Errands
from signaling.janus.failures import Code, JanusFailure, JanusRefused, JanusUnreachable
from signaling.janus.orders import Destroy, Order
from signaling.janus.patience import Patience
from signaling.janus.placing import Health, Server
from signaling.janus.session import JanusSession, State

LOST_LIMIT = 3.0  # seconds for which a Janus may be away before its rooms are placed anew
SURVEY_PERIOD = 10.0  # seconds between two looks at what else is at a Janus
RETRY_MIN, RETRY_MAX = 0.2, 5.0  # seconds between two attempts to connect, doubling
AGAIN = 0.2  # seconds before what was not answered is asked again
FLUSH_LIMIT = 1.0  # seconds for what is still to be asked when our server ends

log = logging.getLogger(__name__)


class Carer:
    """One Janus. `changed` is called when it is well or away, `lost` with its address and what VideoRoom it forgot."""

    def __init__(
        self,
        server: Server,
        secret: str,
        *,
        changed: Callable[[], None],
        lost: Callable[[str, int], None],
        period: float = SURVEY_PERIOD,
        limit: float = LOST_LIMIT,
    ) -> None:
        self._server = server
        self._secret = secret
        self._changed = changed
        self._lost = lost
        self._period = period  # seconds between two surveys
        self._survey_at = 0.0  # by the loop's clock
        self._is_due = asyncio.Event()  # something may be to be asked, or the session is another
        self._is_idle = asyncio.Event()
        self._is_tried = False  # whether this session may create VideoRooms
        self._is_ending = False
        self._patience = Patience(limit, lambda: self._enter(Health.DEAD))
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect; nobody waits for it."""
        self._doubt()
        self._task = asyncio.create_task(self._run(), name=f"care for {self._server.url}")

    def wake(self) -> None:
        """Something else may be to be asked now."""
        self._is_idle.clear()
        self._is_due.set()

    async def close(self) -> None:
        """Ask for what is still to be asked, in bounded time, and hang up. VideoRooms that are wanted stay."""
        try:
            if self._server.health is Health.ALIVE:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FLUSH_LIMIT):
                        await self._is_idle.wait()
        finally:
            self._is_ending = True
            self._patience.end()
            if self._task is not None:
                self._task.cancel()
                await asyncio.wait({self._task})

    # -- how it is --

    def _enter(self, health: Health) -> None:
        if health is self._server.health:
            return
        self._server.health = health
        level = logging.INFO if health is Health.ALIVE else logging.WARNING
        log.log(level, "Janus %s is %s", self._server.url, health.name.lower())
        self._changed()

    def _doubt(self) -> None:
        """It is away: that it is dead is said after a while, if it does not come back."""
        if self._is_ending:
            return
        if self._server.health is Health.ALIVE:
            self._enter(Health.DOUBTFUL)
        if self._server.health is not Health.DEAD:
            self._patience.begin()

    def _revive(self) -> None:
        self._patience.end()
        self._enter(Health.ALIVE)

    # -- one session after the other --

    async def _run(self) -> None:
        delay, loop = RETRY_MIN, asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._serve()
            except JanusRefused as error:
                log.warning("Janus %s refuses what we ask, see --janus-secret-file: %s", self._server.url, error)
                if not self._is_tried:
                    self._enter(Health.DEAD)  # for us: it answers, but carries no rooms of ours
            except JanusFailure as error:
                log.debug("Janus %s: %s", self._server.url, error)
            except Exception:  # whatever a server says: it is tried again
                log.exception("Janus %s", self._server.url)
            self._doubt()
            delay = RETRY_MIN if loop.time() - began > RETRY_MAX else min(2 * delay, RETRY_MAX)
            await asyncio.sleep(delay)

    async def _serve(self) -> None:
        """Have orders carried out until the session is over. Raises `JanusFailure`."""
        self._is_tried = False
        session = JanusSession(self._server.url, on_state=self._on_state)
        await session.open()
        try:
            self._patience.renew()  # it may be slow, but it is there
            handle = await session.attach(lambda _: None)
            self._patience.renew()
            errands = Errands(session, handle, self._server, self._secret, wake=self.wake)
            await errands.see_whether_we_may()
            self._server.care.doubt()  # it may be another Janus than before
            self._is_tried = True
            self._revive()
            while session.state is not State.OVER:
                await self._follow(errands)
        finally:
            await session.close()

    def _on_state(self, state: State) -> None:
        if state is not State.OPEN:
            self._doubt()
        elif self._is_tried:
            self._server.care.look_again()  # what Janus said meanwhile is lost
            self._revive()
        self.wake()

    async def _follow(self, errands: Errands) -> None:
        """Do what is due, or wait until something is. Raises `JanusFailure`."""
        now = asyncio.get_running_loop().time()
        if self._survey_at <= now:
            self._survey_at = now + self._period
            with contextlib.suppress(JanusUnreachable):  # the next one will do
                await errands.survey(now)
        elif (order := self._server.care.next()) is not None:
            await self._obey(errands, order)
        else:
            self._is_idle.set()
            self._is_due.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._survey_at):
                    await self._is_due.wait()

    async def _obey(self, errands: Errands, order: Order) -> None:
        """Have an order carried out, and note what came of it. Raises `JanusFailure` if that is not to be expected."""
        care = self._server.care
        try:
            await errands.carry_out(order)
        except JanusRefused as error:
            if error.code != Code.NO_SUCH_ROOM:
                care.postpone(order)
                raise
            if not isinstance(order, Destroy):
                self._lost(self._server.url, order.number)
        except JanusUnreachable as error:
            log.debug("Janus %s: %s is asked again: %s", self._server.url, type(order).__name__, error)
            care.postpone(order)
            await asyncio.sleep(AGAIN)  # a socket that is closing fails at once: whoever reads from it is to notice
            return
        care.did(order)
