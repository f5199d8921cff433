"""Who may use the admin API, and the metrics.

the admin key                       everything
a token with the grant `admin`      everything, in the rooms that it is for
a token with the grant `moderate`   what a moderator does, in the rooms that it is for, unless banned there
neither a key nor an admin key      everything, for programs and pages of this machine
"""

import asyncio
import ipaddress
import time
from dataclasses import dataclass
from hmac import compare_digest

from aiohttp import web

from signaling.bodies import forbidden, problem
from signaling.config import SignalingConfig
from signaling.gate import MINUTE, Limit
from signaling.messages import ErrorCode
from signaling.origins import is_from_elsewhere
from signaling.sockets import Sockets
from signaling.tokens import Admission, TokenError, verify

ORIGIN = "origin"  # what the journal calls the page of another site
PROXIES = ("Forwarded", "X-Forwarded-For")  # headers that say that somebody else asks than whose address we see


@dataclass(frozen=True)
class Caller:
    """Who asks, from where, and what they may. `by` is a user's name, or says in words that it is none."""

    admission: Admission
    address: str
    by: str


class Access:
    """Lets callers in or turns them away; whoever comes with too many wrong keys is not looked at for a while."""

    def __init__(self, config: SignalingConfig, sockets: Sockets) -> None:
        self._config = config
        self._sockets = sockets

    def authorize(self, request: web.Request) -> Caller:
        """Return who makes this request. Raises the error of HTTP that says why they may do nothing."""
        address = self._sockets.address_of(request)
        if is_from_elsewhere(request, self._config):
            raise self.refusal(ORIGIN, address, "pages of other sites may not ask this")
        scheme, _, word = request.headers.get("Authorization", "").partition(" ")
        bearer = word.strip() if scheme.lower() == "bearer" else None
        if bearer is not None:
            self._check_tries(address)
        try:
            admission = admit(bearer, self._config, time.time(), is_here=is_here(request))
        except TokenError as error:
            raise self._unauthorized(error, address, bearer) from None
        return Caller(admission, address, self._name(admission))

    def refusal(self, code: str, address: str, text: str) -> web.HTTPException:
        """Note that somebody may not do something; return the error that says so."""
        self._sockets.turned_away(code, address)
        return problem(web.HTTPForbidden, ErrorCode.NOT_ALLOWED if code == ORIGIN else code, text)

    def _name(self, admission: Admission) -> str:
        if admission.digest is not None:
            return admission.user or "a token"
        return "this machine" if self._config.admin_key is None else "the admin key"

    def _check_tries(self, address: str) -> None:
        """Refuse to look at a key after too many wrong ones: also at the right one, or guessing would go on."""
        if self._sockets.gate.may_try(address, asyncio.get_running_loop().time()):
            return
        self._sockets.refused(Limit.WRONG_KEYS, address)
        rate = self._config.wrong_keys
        text = f"there are more than {rate} wrong keys a minute from {address}: try again later"
        again = {"Retry-After": str(max(1, round(MINUTE / rate)))}
        raise problem(web.HTTPTooManyRequests, ErrorCode.RATE_LIMITED, text, again)

    def _unauthorized(self, error: TokenError, address: str, bearer: str | None) -> web.HTTPException:
        self._sockets.turned_away(error.code, address)
        if error.code is ErrorCode.NOT_ALLOWED:
            return forbidden(error.text)
        if bearer is not None and error.code is ErrorCode.TOKEN_INVALID:
            self._sockets.gate.tried_in_vain(address, asyncio.get_running_loop().time())
        return problem(web.HTTPUnauthorized, error.code, error.text, {"WWW-Authenticate": "Bearer"})


def admit(bearer: str | None, config: SignalingConfig, wall: float, *, is_here: bool) -> Admission:
    """Return what a key or token allows at the wall time `wall`; raises `TokenError` if nothing."""
    if config.admin_key is not None and bearer is not None and _is_same(bearer, config.admin_key):
        return Admission(None, None)
    if not config.all_keys and config.admin_key is None:
        if not is_here:
            raise TokenError(ErrorCode.NOT_ALLOWED, "a server without a key is administered from its own machine alone")
        return Admission(None, None)
    if not config.all_keys:
        if bearer is None:
            raise TokenError(ErrorCode.TOKEN_REQUIRED, "this takes the server's admin key")
        raise TokenError(ErrorCode.TOKEN_INVALID, "this is not the server's admin key")
    return verify(bearer, config.all_keys, None, None, wall)


def is_here(request: web.Request) -> bool:
    """Whether a request comes from this machine, and not through a proxy on it."""
    try:
        is_loopback = ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:  # a Unix socket has no address
        return False
    return is_loopback and not any(name in request.headers for name in PROXIES)


def _is_same(given: str, key: str) -> bool:
    """Compare without telling by the time it takes; as bytes, because texts must be ASCII for that."""
    return compare_digest(given.encode(errors="surrogatepass"), key.encode())
