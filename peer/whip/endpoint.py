"""The HTTP side of WHIP and WHEP: makes the offer, adds to it, ends the session (RFC 9725, sections 4.2 to 4.6)."""

import asyncio
import logging
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

import aiohttp
from yarl import URL

from peer.errors import Rejected, ServerUnreachable, SignalingError, UsageError
from peer.whip.answers import (
    FRAGMENT,
    GONE,
    MISDIRECTED,
    SDP,
    Accepted,
    Busy,
    HttpAnswer,
    Redirected,
    may_have_token,
    outcome,
)
from peer.whip.links import ice_servers
from signaling.messages import IceServer

MAX_BODY = 256 * 1024  # bytes of an answer
MOST_REDIRECTS = 5
OPTIONS_LIMIT = 2.0  # seconds for the question which ICE servers there are; no answer is none
ADD_LIMIT = 1.5  # seconds for the server to take more candidates; less than the step of the exit that waits for it
MOST_NODES = 8  # of a cluster that are asked, one after the other, for a session
NOTHING: Mapping[str, str] = MappingProxyType({})
log = logging.getLogger(__name__)


class Endpoint:
    """One endpoint, and the session that it gives us. To be made on the event loop, and closed."""

    def __init__(self, url: URL, token: str | None) -> None:
        self.url = url
        self.session: URL | None = None
        self._tag = ""
        self._token = token
        self._http = aiohttp.ClientSession(auto_decompress=True)

    @property
    def token(self) -> str | None:
        """The token that the session's URL may be given."""
        return self._token if self.session is None or may_have_token(self.url, self.session) else None

    async def ice_servers(self) -> tuple[IceServer, ...]:
        """Ask which ICE servers to use: what is known before the offer is in it, and nothing has to follow."""
        try:
            async with asyncio.timeout(OPTIONS_LIMIT):
                answer = await self._ask("OPTIONS", self.url)
        except (TimeoutError, SignalingError) as error:
            log.debug("%s names no ICE servers: %s", self.url, error)
            return ()
        return ice_servers(answer.headers.get("link", ()))

    async def offer(self, sdp: str, limit: float) -> Accepted:
        """Make the offer, wherever that leads to. Raises `SignalingError`, within `limit` seconds."""
        failure: SignalingError = ServerUnreachable(f"{self.url} does not answer within {limit:g} s")
        url, redirects = self.url, 0
        try:
            async with asyncio.timeout(limit):
                while redirects <= MOST_REDIRECTS:
                    match outcome(url, await self._ask("POST", url, sdp, {"Content-Type": SDP})):
                        case Accepted() as accepted:
                            self.session, self._tag = accepted.session, accepted.tag
                            return accepted
                        case Redirected(place):
                            url, redirects = place, redirects + 1
                        case Busy(seconds, failure):
                            await asyncio.sleep(seconds)
        except TimeoutError:
            raise failure from None
        raise Rejected(HTTPStatus.TEMPORARY_REDIRECT, f"{self.url} sends us from one address to the next")

    async def end(self) -> bool | None:
        """End the session (DELETE). True: it has ended now; False: there was none any more; None: who knows."""
        if self.session is None:
            return False
        try:
            answer = await self._ask_session("DELETE", self.session)
        except SignalingError as error:
            log.warning("%s was not told that we leave: %s", self.session, error)
            return None
        is_gone, is_ended = answer.status in GONE, answer.status < HTTPStatus.MULTIPLE_CHOICES
        if is_gone or is_ended:
            self.session = None
        return is_ended if is_gone or is_ended else None

    async def add(self, fragment: str) -> bool:
        """Tell the session of more candidates (PATCH), once it has begun; say whether it takes them.

        One that does not need not know: how to reach us is seen from our checks as well.
        """
        assert self.session is not None, "there is no session yet"
        named = {"If-Match": self._tag} if self._tag else {}
        try:
            async with asyncio.timeout(ADD_LIMIT):
                answer = await self._ask_session("PATCH", self.session, fragment, {"Content-Type": FRAGMENT, **named})
        except (TimeoutError, SignalingError) as error:
            log.debug("%s was not told of more candidates: %s", self.url, error)
            return False
        log.debug("%s: candidates by PATCH: HTTP %d", self.url, answer.status)
        return answer.status < HTTPStatus.MULTIPLE_CHOICES

    async def close(self) -> None:
        """Let go of every connection."""
        await self._http.close()

    async def _ask_session(
        self, method: str, session: URL, body: str | None = None, named: Mapping[str, str] = NOTHING
    ) -> HttpAnswer:
        """Ask whoever has the session; behind a balancer others may say first that it is not theirs."""
        for _ in range(MOST_NODES):
            answer = await self._ask(method, session, body, named)
            if answer.status != MISDIRECTED:
                break
        return answer

    async def _ask(
        self, method: str, url: URL, body: str | None = None, named: Mapping[str, str] = NOTHING
    ) -> HttpAnswer:
        headers = dict(named)
        if self._token is not None and may_have_token(self.url, url):
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            async with self._http.request(method, url, data=body, headers=headers, allow_redirects=False) as response:
                names = {name.lower() for name in response.headers}
                return HttpAnswer(
                    response.status,
                    {name: response.headers.getall(name) for name in names},
                    await _body(response),
                )
        except aiohttp.InvalidURL:
            raise UsageError(f"{url} is no address") from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise ServerUnreachable(f"the certificate of {url.host} is not to be trusted: {error}") from None
        except aiohttp.ClientConnectorError as error:
            raise ServerUnreachable(f"nobody answers at {url}: {error.strerror or error}") from None
        except aiohttp.ClientError as error:
            raise ServerUnreachable(f"{url} does not speak HTTP: {error}") from None


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while len(body) <= MAX_BODY and (part := await response.content.read(MAX_BODY)):
        body += part
    if len(body) > MAX_BODY:
        raise Rejected(response.status, f"{response.url} answers with more than {MAX_BODY} bytes")
    return body
