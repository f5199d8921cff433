"""Who may come in by HTTP: pages of which sites, from which addresses, with which tokens. Refuses as HTTP does."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

from aiohttp import web

from peer.checks import check_names
from peer.errors import UsageError
from peer.gateways.wording import bearer, status_of
from signaling.bodies import TooLarge, problem, read_bytes
from signaling.config import SignalingConfig
from signaling.gate import MINUTE, Limit
from signaling.messages import ErrorCode
from signaling.origins import is_from_elsewhere
from signaling.sockets import RETRY_AFTER, Sockets
from signaling.tokens import Admission, TokenError, verify

ORIGIN = "origin"  # what the journal calls the page of another site
UNNAMED = 4  # bytes of a name that we make up


class MethodNotAllowed(web.HTTPClientError):
    """405, with the body that we write: aiohttp's own writes its text itself."""

    status_code = 405


KINDS: Mapping[int, type[web.HTTPException]] = {
    kind.status_code: kind
    for kind in (
        *(web.HTTPBadRequest, web.HTTPUnauthorized, web.HTTPForbidden, web.HTTPNotFound, MethodNotAllowed),
        *(web.HTTPNotAcceptable, web.HTTPConflict, web.HTTPPreconditionFailed, TooLarge),
        *(web.HTTPUnsupportedMediaType, web.HTTPMisdirectedRequest, web.HTTPUnprocessableEntity),
        web.HTTPPreconditionRequired,
        *(web.HTTPTooManyRequests, web.HTTPServiceUnavailable),
    )
}

AGAIN = {"Retry-After": str(RETRY_AFTER)}
USUAL: Mapping[int, dict[str, str]] = {401: {"WWW-Authenticate": "Bearer"}, 429: AGAIN, 503: AGAIN}


class Right(NamedTuple):
    """Who somebody is in the room, and the token that says so."""

    user: str
    token: str | None


class Entrance:
    """Lets requests in or refuses them, by the server's limits."""

    def __init__(self, config: SignalingConfig, sockets: Sockets) -> None:
        self._config, self._sockets = config, sockets

    def check_origin(self, request: web.Request) -> None:
        """Refuse the page of another site, unless that is one of the server's allowed origins."""
        if is_from_elsewhere(request, self._config):
            self._sockets.turned_away(ORIGIN, self._sockets.address_of(request))
            raise refusal(403, ErrorCode.NOT_ALLOWED, "pages of this site may not ask this: see allowed_origins")

    def count(self, request: web.Request) -> AbstractContextManager[str]:
        """Count a connection in for the block, as one more socket of its address. Refuses one too many."""
        return self._sockets.room_for(request)

    def count_join(self, request: web.Request) -> None:
        """Count a join of an address. Refuses one too many."""
        address = self._sockets.address_of(request)
        if not self._sockets.gate.may_join(address, asyncio.get_running_loop().time()):
            self._sockets.refused(Limit.JOIN_RATE, address)
            text = f"there are more than {self._config.join_rate} joins a minute from {address}: try again later"
            raise refusal(429, ErrorCode.RATE_LIMITED, text)

    async def read(self, request: web.Request, media_type: str) -> str:
        """Return the text of a body of this type. Refuses another type, what is too large, too slow or no text."""
        if request.content_type != media_type:
            raise refusal(415, "unsupported_media_type", f"send Content-Type: {media_type}")
        body = await read_bytes(request)
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise refusal(400, ErrorCode.BAD_MESSAGE, "the body is not UTF-8") from None

    def admit(self, request: web.Request, room: str, grant: str, prefix: str) -> Right:
        """Return who may do what takes `grant` in a room: `?user=`, whom the token is for, or a name with `prefix`."""
        asked = request.query.get("user")
        admission = self._verify(request, room, asked)
        if grant not in admission.grants:
            raise refusal(403, ErrorCode.NOT_ALLOWED, f"this takes a token with the grant {grant}")
        user = asked or admission.user or f"{prefix}-{secrets.token_hex(UNNAMED)}"
        try:
            check_names(room, user)
        except UsageError as error:
            raise refusal(400, ErrorCode.BAD_NAME, str(error)) from None
        return Right(user, bearer(request.headers.get("Authorization")))

    def _verify(self, request: web.Request, room: str, user: str | None) -> Admission:
        token, address = bearer(request.headers.get("Authorization")), self._sockets.address_of(request)
        now = asyncio.get_running_loop().time()
        if token is not None and self._config.all_keys and not self._sockets.gate.may_try(address, now):
            self._sockets.refused(Limit.WRONG_KEYS, address)
            again = {"Retry-After": str(max(1, round(MINUTE / self._config.wrong_keys)))}
            text = f"there are too many wrong tokens from {address}: try again later"
            raise refusal(429, ErrorCode.RATE_LIMITED, text, again)
        try:
            return verify(token, self._config.all_keys, room, user, time.time())
        except TokenError as error:
            self._sockets.turned_away(error.code, address)
            if error.code is ErrorCode.TOKEN_INVALID:
                self._sockets.gate.tried_in_vain(address, now)
            raise refusal(status_of(error.code), error.code, error.text) from None


def refusal(status: int, code: str, text: str, headers: dict[str, str] | None = None) -> web.HTTPException:
    """Return a refusal that says why, for programs and for people."""
    return problem(KINDS[status], code, text, {**USUAL.get(status, {}), **(headers or {})})
