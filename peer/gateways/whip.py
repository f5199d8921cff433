"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): publishers and players that are users of this server's rooms.

server = SignalingServer(...)
add_whip(server)
async with server.listen(port=8080) as site: ...

POST /whip/{room}           an SDP offer to send; the answer, and the address of the session
POST /whep/{room}/{user}    an SDP offer to receive what that user sends
PATCH, DELETE               of a session's address: more candidates; the end
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack
from typing import NamedTuple

from aiohttp import web
from aiortc.exceptions import OperationError
from multidict import CIMultiDict

from peer.errors import Refused, SignalingError
from peer.gateways.entrance import Entrance, Right, refusal
from peer.gateways.homes import is_of_another, path_name
from peer.gateways.offers import Malformed, Offer, Unacceptable, read_offer
from peer.gateways.player import Player
from peer.gateways.publisher import Publisher
from peer.gateways.session import Guest, Session
from peer.gateways.trickle import MEDIA_TYPE, BadFragment, Fragment, is_restart, matches, read_fragment
from peer.gateways.wording import EXPOSED, SDP, accepts, links, status_of
from peer.media.liveness import SILENCE_LIMIT
from signaling.messages import ErrorCode, IceServer
from signaling.reasons import Reason
from signaling.server import SignalingServer
from signaling.tokens import Grant
from signaling.turn import ice_servers

PREFLIGHT_AGE = 600  # seconds for which a browser need not ask again
ENDING_LIMIT = 12.0  # seconds for all sessions to end with the server; each is bounded by less
log = logging.getLogger(__name__)

Work = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door(NamedTuple):
    """One kind of session: what its user must be allowed, what it is called if it does not say, and how it is made."""

    grant: str
    prefix: str
    make: Callable[[Guest, Mapping[str, str], ExitStack], Session]


WHIP = Door(Grant.PUBLISH, "whip", lambda guest, _, holds: Publisher(guest, holds))
WHEP = Door(Grant.SUBSCRIBE, "whep", lambda guest, place, holds: Player(guest, place["user"], holds))


def add_whip(server: SignalingServer, *, silence_limit: float = SILENCE_LIMIT) -> "Gateway":
    """Have a server take WHIP publishers and WHEP players, before it listens.

    One that nothing is heard of for `silence_limit` seconds is lost.
    """
    return Gateway(server, silence_limit)


class Gateway:
    """All sessions of a server. Made by `add_whip`."""

    def __init__(self, server: SignalingServer, silence_limit: float) -> None:
        self._server, self._config = server, server.config
        self._silence_limit = silence_limit
        self._entrance = Entrance(server.config, server.sockets)
        self._sessions: dict[str, Session] = {}  # by path
        self._url: str | None = None  # while the server runs
        self._watching: set[asyncio.Task[None]] = set()
        self._route("/whip/{room}", POST=self._post(WHIP))
        self._route("/whep/{room}/{user}", POST=self._post(WHEP))
        for path in ("/whip/{room}/{session}", "/whep/{room}/{user}/{session}"):
            self._route(path, PATCH=self._patch, DELETE=self._delete)
        server.app.on_shutdown.insert(0, self._shut_down)
        server.app.cleanup_ctx.append(self._run)

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Those that are not over."""
        return tuple(self._sessions.values())

    # -- requests --

    def _post(self, door: Door) -> Work:
        async def post(request: web.Request) -> web.Response:
            return await self._begin(request, door)

        return post

    async def _begin(self, request: web.Request, door: Door) -> web.Response:
        sdp = await self._entrance.read(request, SDP)
        if not accepts(request.headers.get("Accept"), SDP):
            raise refusal(406, "not_acceptable", f"the answer is {SDP}, which the Accept header does not take")
        offer = _read_offer(sdp, is_publisher=door is WHIP)
        room = request.match_info["room"]
        right = self._entrance.admit(request, room, door.grant, door.prefix)
        if right.user == request.match_info.get("user"):
            raise refusal(409, ErrorCode.USER_TAKEN, "one cannot watch oneself: leave ?user= out, or name another")
        self._entrance.count_join(request)
        guest = self._guest(room, right, offer)
        with ExitStack() as unmade:
            unmade.enter_context(self._entrance.count(request))
            holds = ExitStack()
            session = door.make(guest, request.match_info, holds)
            holds.push(unmade.pop_all())
        answer = await _opened(session, sdp)
        return self._created(request, session, answer)

    def _guest(self, room: str, right: Right, offer: Offer) -> Guest:
        if self._url is None:
            raise refusal(503, ErrorCode.SERVER_SHUTDOWN, "the server lets nobody in just now")
        return Guest(
            url=self._url,
            room=room,
            user=right.user,
            token=right.token,
            offer=offer,
            ice_servers=tuple(self._ice_servers(right.user)),
            silence_limit=self._silence_limit,
        )

    def _created(self, request: web.Request, session: Session, answer: str) -> web.Response:
        here, _ = self._server.nodes()
        name = path_name(session.id, here)
        self._sessions[f"{request.path}/{name}"] = session
        task = asyncio.create_task(self._forget(f"{request.path}/{name}", session), name=f"until {session.label}")
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)
        headers = CIMultiDict(
            {"Location": f"{request.rel_url.raw_path}/{name}", "ETag": session.tag, "Cache-Control": "no-store"}
        )
        for link in links(session.guest.ice_servers):
            headers.add("Link", link)
        return web.Response(status=201, body=answer.encode(), content_type=SDP, headers=headers)

    async def _forget(self, path: str, session: Session) -> None:
        await session.wait_over()
        del self._sessions[path]

    async def _patch(self, request: web.Request) -> web.Response:
        session = self._session(request)
        fragment = _read_fragment(await self._entrance.read(request, MEDIA_TYPE))
        tag = request.headers.get("If-Match")
        if tag is None:
            raise refusal(428, "precondition_required", "send the session's ETag as If-Match")
        if is_restart(fragment, session.guest.offer.ice_user):
            raise refusal(422, "no_restart", "ICE cannot be restarted: DELETE the session and POST a new offer")
        if not matches(tag, session.tag):
            raise refusal(412, "precondition_failed", "If-Match is not the ETag of this session")
        await session.add(fragment)
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        session = self._session(request)
        session.leave()
        await session.wait_over()
        return web.Response(status=200, text="the others know\n")

    def _session(self, request: web.Request) -> Session:
        session = self._sessions.get(request.path)
        if session is not None:
            return session
        _, others = self._server.nodes()
        if is_of_another(request.match_info["session"], others):
            text = "this session is at another node: ask again over another connection, or have the balancer know it"
            raise refusal(421, "misdirected", text, {"Connection": "close"})
        raise refusal(404, ErrorCode.SESSION_GONE, "there is no such session, or it is over")

    def _ice_servers(self, user: str) -> list[IceServer]:
        return ice_servers(self._config, user, time.time())

    # -- all that is the same of every address --

    def _route(self, path: str, **methods: Work) -> None:
        """Answer these methods, and OPTIONS; refuse others."""

        async def handle(request: web.Request) -> web.StreamResponse:
            self._entrance.check_origin(request)
            shared = _sharing(request)
            try:
                response = await self._handle(request, methods)
            except web.HTTPException as error:
                error.headers.update(shared)
                raise
            response.headers.update(shared)
            return response

        self._server.app.router.add_route("*", path, handle)

    async def _handle(self, request: web.Request, methods: Mapping[str, Work]) -> web.StreamResponse:
        if request.method == "OPTIONS":
            return self._options(request, methods)
        work = methods.get(request.method)
        if work is None:
            allowed = ", ".join((*methods, "OPTIONS"))
            raise refusal(405, "method_not_allowed", f"this address takes {allowed}", {"Allow": allowed})
        return await work(request)

    def _options(self, request: web.Request, methods: Mapping[str, Work]) -> web.Response:
        """Say what may be asked here, and to whom who may, which ICE servers to use for that."""
        allowed = ", ".join((*methods, "OPTIONS"))
        headers = CIMultiDict({"Allow": allowed, "Access-Control-Allow-Methods": allowed})
        headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, If-Match"
        headers["Access-Control-Max-Age"] = str(PREFLIGHT_AGE)
        if "POST" not in methods:
            headers["Accept-Patch"] = MEDIA_TYPE
            return web.Response(headers=headers)
        headers["Accept-Post"] = SDP
        if "Access-Control-Request-Method" not in request.headers:
            door = WHEP if "user" in request.match_info else WHIP
            right = self._entrance.admit(request, request.match_info["room"], door.grant, door.prefix)
            for link in links(self._ice_servers(right.user)):
                headers.add("Link", link)
        return web.Response(headers=headers)

    # -- with the server --

    async def _run(self, _app: web.Application) -> AsyncIterator[None]:
        async with self._server.inside() as self._url:
            yield
            await self._end(Reason.LEFT)

    async def _shut_down(self, _app: web.Application) -> None:
        """Let nobody in any more. Where the others go on elsewhere, sessions leave; else the server ends them."""
        self._url = None
        if self._config.state is not None or self._config.redis is not None:
            await self._end(Reason.LEFT)

    async def _end(self, reason: Reason) -> None:
        self._url = None
        for session in self.sessions:
            session.leave(reason)
        if self._watching:
            await asyncio.wait(self._watching, timeout=ENDING_LIMIT)


async def _opened(session: Session, sdp: str) -> str:
    """Return the answer of a session that has begun. Raises the HTTP error that says why it has not."""
    try:
        return await session.open(sdp)
    except Refused as error:
        raise refusal(status_of(error.code), error.code, error.text) from None
    except SignalingError as error:
        raise refusal(503, ErrorCode.SERVER_SHUTDOWN, str(error)) from None
    except TimeoutError:
        raise refusal(503, ErrorCode.TOO_SLOW, "the server was too slow: try again") from None
    except OperationError as error:
        raise refusal(406, "not_acceptable", f"the offer and we have no codec in common: {error}") from None
    except Exception as error:  # aiortc's parser raises anything at what it does not understand
        log.debug("an offer cannot be read: %r", error)
        raise refusal(400, ErrorCode.BAD_MESSAGE, f"the offer cannot be read: {error}") from None


def _read_offer(sdp: str, *, is_publisher: bool) -> Offer:
    try:
        return read_offer(sdp, is_publisher=is_publisher)
    except Malformed as error:
        raise refusal(400, ErrorCode.BAD_MESSAGE, str(error)) from None
    except Unacceptable as error:
        raise refusal(406, "not_acceptable", str(error)) from None


def _read_fragment(text: str) -> Fragment:
    try:
        return read_fragment(text)
    except BadFragment as error:
        raise refusal(400, ErrorCode.BAD_MESSAGE, str(error)) from None


def _sharing(request: web.Request) -> dict[str, str]:
    """Return what lets the page of another site read an answer, which was let in before."""
    origin = request.headers.get("Origin")
    shared = {} if origin is None else {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED}
    return {"Vary": "Origin", **shared}
