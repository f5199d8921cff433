"""What a server does beside its rooms while it runs: it counts, tells webhooks, renews credentials, keeps its state."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from aiohttp import web

from signaling import state_file
from signaling.admin import Access
from signaling.config import SignalingConfig
from signaling.handover import BadEstate, Estate, read
from signaling.health import Health, Readiness
from signaling.janus.carers import caring
from signaling.janus.metrics import JanusMetrics
from signaling.metrics import Metrics
from signaling.node import Node
from signaling.observer import Observer, Observers
from signaling.renewing import Renewing
from signaling.webhook_events import WebhookEvents
from signaling.webhook_queue import Event
from signaling.webhooks import Receiver, webhooks

STARTING, ENDING, NO_BUS = "the server is starting", "the server is ending", "the bus cannot be reached"

log = logging.getLogger(__name__)


class Upkeep(Observer):
    """All of that, for one node. `readiness` is what `/readyz` says; `metrics` what `/metrics` does."""

    def __init__(self, config: SignalingConfig, node: Node, observers: Observers, access: Access) -> None:
        self.readiness = Readiness(STARTING)
        self._receivers: tuple[Receiver, ...] = ()
        self.metrics = Metrics(node.census, lambda: self._receivers)
        self.metrics.registry.register(JanusMetrics(node.placing))
        self._config = config
        self._node = node
        self._observers = observers
        self._access = access

    def add_to(self, app: web.Application) -> None:
        """Add the routes, and the work while the application runs."""
        Health(self._config, self._access, self.readiness, self.metrics).add_routes(app.router)
        app.cleanup_ctx.append(self._run)

    def bus_changed(self, *, is_up: bool) -> None:
        """Be ready only while other nodes can be reached."""
        if is_up:
            self.readiness.release(NO_BUS)
        else:
            self.readiness.hold(NO_BUS)

    async def end(self) -> None:
        """Send everybody away, or hand them over to the server that is started next."""
        self.readiness.hold(ENDING)
        if self._config.state is None:
            await self._node.shut_down()
        else:
            await _keep(Path(self._config.state), await self._node.drain())

    async def _run(self, _app: web.Application) -> AsyncIterator[None]:
        with self._looking_on(self), self._looking_on(self.metrics), self._renewing():
            async with self._telling(), caring(self._node):
                await self._go_on()
                self.readiness.release(STARTING)
                yield

    @contextmanager
    def _looking_on(self, observer: Observer) -> Iterator[None]:
        self._observers.add(observer)
        try:
            yield
        finally:
            self._observers.remove(observer)

    @contextmanager
    def _renewing(self) -> Iterator[None]:
        if self._config.turn_secret is None:
            yield
            return
        renewing = Renewing(self._config, self._node.say)
        try:
            with self._looking_on(renewing):
                yield
        finally:
            renewing.close()

    @asynccontextmanager
    async def _telling(self) -> AsyncIterator[None]:
        async with webhooks(self._config.webhooks, self._config.webhook_keys) as self._receivers:
            if not self._receivers:
                yield
                return
            with self._looking_on(WebhookEvents(self._tell)):
                yield

    def _tell(self, event: Event) -> None:
        for receiver in self._receivers:
            receiver.put(event)

    async def _go_on(self) -> None:
        """Go on where the last server stopped, if it left anything."""
        if self._config.state is not None:
            estate = await _take(Path(self._config.state), self._config.grace)
            if estate is not None:
                self._node.go_on_with(estate)


async def _keep(path: Path, text: bytes) -> None:
    try:
        await asyncio.to_thread(state_file.write, path, text)
    except OSError as error:
        log.error("the state cannot be kept, so nobody can come back: %s", error)  # noqa: TRY400 - a line is enough
    else:
        log.info("everybody was let go of; %s is for the server that is started next", path)


async def _take(path: Path, grace: float) -> Estate | None:
    try:
        text = await asyncio.to_thread(state_file.take, path)
        return None if text is None else read(text, grace, wall=time.time())
    except (OSError, BadEstate) as error:
        log.warning("we begin anew, without what %s holds: %s", path, error)
        return None
