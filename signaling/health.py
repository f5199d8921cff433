"""Whether a server is to be sent new clients, and what it counts, by HTTP.

    GET /readyz   200 {"ready": true}, or 503 {"ready": false, "why": [...]} while it starts, drains or lacks its bus
    GET /metrics  for Prometheus; for everybody if they are public; else for this machine and the grant `admin`

That the process is alive at all says `/healthz`.
"""

import msgspec
from aiohttp import web

from signaling.admin.access import Access, is_here
from signaling.bodies import HEADERS, forbidden
from signaling.config import SignalingConfig
from signaling.metrics import CONTENT_TYPE, Metrics
from signaling.tokens import Grant


class Readiness:
    """Why a server is not ready; without a reason it is."""

    def __init__(self, *reasons: str) -> None:
        self._reasons = dict.fromkeys(reasons)

    @property
    def reasons(self) -> list[str]:
        """Why not, in the order in which it came to that."""
        return list(self._reasons)

    def hold(self, reason: str) -> None:
        """Be not ready, at least for this reason."""
        self._reasons[reason] = None

    def release(self, reason: str) -> None:
        """Be not ready no longer for this reason, if it was one."""
        self._reasons.pop(reason, None)


class Health:
    """The handlers of these requests."""

    def __init__(self, config: SignalingConfig, access: Access, readiness: Readiness, metrics: Metrics) -> None:
        self._config = config
        self._access = access
        self._readiness = readiness
        self._metrics = metrics

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add everything that this module's docstring lists."""
        router.add_get("/readyz", self._ready)
        router.add_get("/metrics", self._read)

    async def _ready(self, _request: web.Request) -> web.Response:
        why = self._readiness.reasons
        body = msgspec.json.encode({"ready": False, "why": why} if why else {"ready": True})
        return web.Response(status=503 if why else 200, body=body, headers=HEADERS)

    async def _read(self, request: web.Request) -> web.Response:
        if not self._may_read(request):
            raise forbidden("the metrics are for this machine and for those who were granted admin")
        headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=self._metrics.text(), headers=headers)

    def _may_read(self, request: web.Request) -> bool:
        if self._config.metrics_public or is_here(request):
            return True
        return Grant.ADMIN in self._access.authorize(request).admission.grants
