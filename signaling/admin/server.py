"""The admin API by HTTP: the operations, what happens live, and the description of both."""

import asyncio
import functools
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from signaling.admin.access import Access, Caller
from signaling.admin.account import asked, outcome
from signaling.admin.api import OPERATIONS, Missing
from signaling.admin.feed import Feed, Listener
from signaling.admin.openapi import document
from signaling.admin.operations import Call, Operation, Rooms, status_of
from signaling.bodies import HEADERS, TooLarge, answer, problem, read
from signaling.calls import Refusal
from signaling.entry import Facts
from signaling.installed import release
from signaling.lobby import is_room_name
from signaling.members import RoomStatus
from signaling.messages import ErrorCode
from signaling.observer import Observers
from signaling.tokens import Admission, Grant

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]

STREAM_HEADERS = {**HEADERS, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}  # nginx must not collect

log = logging.getLogger(__name__)

_STATUSES: dict[ErrorCode, type[web.HTTPException]] = {
    ErrorCode.BAD_MESSAGE: web.HTTPBadRequest,
    ErrorCode.BAD_NAME: web.HTTPBadRequest,
    ErrorCode.NOT_ALLOWED: web.HTTPForbidden,
    ErrorCode.NO_SUCH_USER: web.HTTPNotFound,
    ErrorCode.TOO_LARGE: TooLarge,
    ErrorCode.SERVER_SHUTDOWN: web.HTTPServiceUnavailable,
}  # any other: it contradicts what is there


class Admin:
    """Everything below `/api` but its pages."""

    def __init__(self, rooms: Rooms, access: Access, observers: Observers) -> None:
        self._rooms = rooms
        self._access = access
        self._observers = observers
        self._feed = Feed(self._look)

    async def _look(self) -> list[RoomStatus]:
        return (await self._rooms.rooms()).rooms

    def add_to(self, app: web.Application) -> None:
        """Add the routes, and the work that they take while the application runs."""
        for operation in OPERATIONS:
            app.router.add_route(operation.method, operation.path, self._responding(operation))
        app.router.add_route("GET", "/api/events", self._watch)
        app.router.add_route("GET", "/api/openapi.json", _describe)
        app.router.add_get("/healthz", _health)
        app.cleanup_ctx.append(self._keep_feed)
        app.on_shutdown.append(self._end_feed)

    def _responding(self, operation: Operation) -> Respond:
        async def respond(request: web.Request) -> web.StreamResponse:
            caller = self._access.authorize(request)
            call = self._call(request, operation, caller)
            body = None if operation.body is None else await read(request, operation.body)
            facts: Facts = {**asked(operation, call, body), "by": caller.by, "address": caller.address}
            try:
                content = await (operation.handle(call) if body is None else operation.handle(call, body))
            except (Missing, Refusal, TimeoutError) as error:
                kind, code, text = _refusal(error)
                self._note(operation, {**facts, "code": code})
                raise problem(kind, code, text) from None
            self._note(operation, {**facts, **outcome(content)})
            return answer(content, status_of(type(content)))

        return respond

    def _note(self, operation: Operation, facts: Facts) -> None:
        """Tell who keeps a journal of a call that was to change something."""
        if operation.method != "GET":
            self._observers.called(facts)

    def _call(self, request: web.Request, operation: Operation, caller: Caller) -> Call:
        admission, refusal = caller.admission, self._access.refusal
        room, user = request.match_info.get("room", ""), request.match_info.get("user", "")
        if not operation.may(admission) or (room and not admission.covers(room)):
            raise refusal(ErrorCode.NOT_ALLOWED, caller.address, _lacks(operation.takes, room))
        call = Call(self._rooms, admission, room, user)
        if room and not call.may_see(room):
            raise refusal(ErrorCode.BANNED, caller.address, f"whoever this token is for is kept out of {room}")
        if operation.method == "PUT" and not is_room_name(room):
            raise problem(web.HTTPBadRequest, ErrorCode.BAD_NAME, f"no room can be called {room!r}")
        return call

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        caller = self._access.authorize(request)
        admission = caller.admission
        if not admission.can_moderate:
            raise self._access.refusal(ErrorCode.NOT_ALLOWED, caller.address, _lacks(Grant.MODERATE, ""))
        if self._feed.is_full:
            raise problem(web.HTTPServiceUnavailable, "too_many", "too many are watching already")
        response = web.StreamResponse(headers=STREAM_HEADERS)
        with self._feed.listening(Call(self._rooms, admission).may_see, cut=lambda: _abort(request)) as listener:
            await response.prepare(request)
            try:
                async with asyncio.timeout(_time_left(admission)):
                    await _pass_on(listener, response)
            except TimeoutError:  # what is still to be sent is not for this token any more
                _abort(request)
            except ConnectionError:
                log.debug("somebody who watched the rooms is gone")
        return response

    async def _keep_feed(self, _app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._feed.run(), name="watch the rooms")
        yield
        task.cancel()
        await asyncio.wait({task})

    async def _end_feed(self, _app: web.Application) -> None:
        self._feed.end()


def _refusal(error: Missing | Refusal | TimeoutError) -> tuple[type[web.HTTPException], str, str]:
    """Return the error of HTTP, the code and the sentence for what cannot be done."""
    match error:
        case Missing():
            return web.HTTPNotFound, error.code, error.text
        case Refusal():
            return _STATUSES.get(error.code, web.HTTPConflict), error.code, error.text
        case TimeoutError():  # of another server of the cluster
            return web.HTTPServiceUnavailable, "no_answer", "it is not known whether it was done"


async def _describe(_request: web.Request) -> web.Response:
    return web.Response(body=_description(), headers=HEADERS)


@functools.cache
def _description() -> bytes:
    return document(OPERATIONS, release())


async def _health(_request: web.Request) -> web.Response:
    return answer({"server": "exeunt", "version": release()})


async def _pass_on(listener: Listener, response: web.StreamResponse) -> None:
    async for frames in listener:
        await response.write(frames)


def _time_left(admission: Admission) -> float | None:
    """Return the seconds for which a token is still valid."""
    return None if admission.expires is None else admission.expires - time.time()


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _lacks(grant: Grant, room: str) -> str:
    grants = "admin" if grant is Grant.ADMIN else "moderate or admin"
    return f"this takes a token with the grant {grants}{f' for the room {room}' if room else ''}"
