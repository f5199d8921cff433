"""The admin API: every operation, and the table of them.

`told` are the users to whom something was sent, `unacknowledged` those of them who did not say in time that they had
taken it in: on the whole cluster, not on one of its servers.
"""

import asyncio

import msgspec
from msgspec import UNSET

from signaling.admin.operations import Call, Operation, operation
from signaling.admin.wire import (
    CreateBody,
    DismissBody,
    ExtraBody,
    KickBody,
    Kicked,
    MessageBody,
    MoveBody,
    Moved,
    MuteBody,
    Reached,
    Removed,
    RoomCreated,
    RoomKept,
    RoomList,
    UserReached,
)
from signaling.calls import Refusal, RoomSettings, Told
from signaling.lobby import is_room_name
from signaling.members import RoomStatus, UserStatus
from signaling.messages import ErrorCode
from signaling.tokens import Grant

ROOM = "/api/rooms/{room}"
USER = "/api/rooms/{room}/users/{user}"


class Missing(Exception):
    """There is no such room or user: `code` for programs, a sentence for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@operation("GET", "/api/rooms")
async def list_rooms(call: Call) -> RoomList:
    """List the rooms that the token is for, and who is in them."""
    found = await call.rooms.rooms()
    rooms = [room for room in found.rooms if call.may_see(room.name)]
    return RoomList(rooms=rooms, unanswered=found.unanswered)


@operation("GET", ROOM, refusals=(404,))
async def get_room(call: Call) -> RoomStatus:
    """Show one room and who is in it."""
    return await _room(call)


@operation("PUT", ROOM, takes=Grant.ADMIN, refusals=(409,))
async def create_room(call: Call, body: CreateBody) -> RoomCreated | RoomKept:
    """Open a room with settings of its own.

    Asked again with the same settings, nothing changes; with others, it is refused while the room is there. A room
    that was created is there until it is empty again after somebody was in, or until it is dismissed.
    """
    given = {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
    if body.capacity is not UNSET:
        given["capacity"] = int(body.capacity)
    settings = msgspec.structs.replace(RoomSettings.usual(call.room, call.rooms.config), **given)
    return RoomCreated(settings=settings) if await call.rooms.create(settings) else RoomKept(settings=settings)


@operation("POST", f"{ROOM}/kick", refusals=(404,))
async def kick(call: Call, body: KickBody) -> Kicked:
    """Remove one or many users from a room.

    The others are told before those who are removed, who acknowledge it, too. It is refused if none of them is there.
    """
    await _room(call)
    users = list(dict.fromkeys([body.user] if isinstance(body.user, str) else body.user))
    by_user = dict(zip(users, await _kick_all(call, users, body), strict=True))
    missing = [user for user, told in by_user.items() if told is None]
    if len(missing) == len(users):
        raise Missing(ErrorCode.NO_SUCH_USER, f"{_names(missing)} not in the room {call.room}")
    removed = [
        Removed(user=user, told=told.told, unacknowledged=told.unacknowledged)
        for user, told in by_user.items()
        if told is not None
    ]
    return Kicked(room=call.room, kicked=removed, missing=missing)


@operation("POST", f"{ROOM}/dismiss", refusals=(404,))
async def dismiss(call: Call, body: DismissBody) -> Reached:
    """Close a room and remove everybody, who acknowledge it."""
    told = await call.rooms.dismiss(call.room, body.text)
    if told is None:
        raise _no_room(call)
    return Reached(room=call.room, told=told.told, unacknowledged=told.unacknowledged)


@operation("POST", f"{ROOM}/messages", refusals=(404,))
async def send_message(call: Call, body: MessageBody) -> Reached:
    """Say something to everybody in a room, or to one user, in the server's name.

    Who cannot be reached at the moment does not hear it.
    """
    told = await call.rooms.broadcast(call.room, body.topic, body.data, body.to)
    if told is None:
        raise await _no_user(call, body.to) if body.to is not None else _no_room(call)
    return Reached(room=call.room, told=told.told, unacknowledged=told.unacknowledged)


@operation("GET", USER, refusals=(404,))
async def get_user(call: Call) -> UserStatus:
    """Show one user of a room."""
    for user in (await _room(call)).users:
        if user.user == call.user:
            return user
    raise await _no_user(call)


@operation("PUT", f"{USER}/extra", takes=Grant.ADMIN, refusals=(404,))
async def update_extra(call: Call, body: ExtraBody) -> UserReached:
    """Replace what the application wants the others to know of a user."""
    return await _user_reached(call, await call.rooms.update(call.room, call.user, body.extra))


@operation("POST", f"{USER}/mute", refusals=(404,))
async def mute(call: Call, body: MuteBody) -> UserReached:
    """Have a user send no sound or no picture, until the user unmutes it."""
    return await _user_reached(call, await call.rooms.mute(call.room, call.user, body.kind, body.text))


@operation("POST", f"{USER}/move", takes=Grant.ADMIN, refusals=(404, 409))
async def move(call: Call, body: MoveBody) -> Moved:
    """Take a user to another room, whose devices stay open.

    Those who stay hear a leave with the reason `moved`. The token must be for both rooms.
    """
    if not call.admission.covers(body.to):
        raise Refusal(ErrorCode.NOT_ALLOWED, f"this takes a token for the room {body.to}, too")
    if not is_room_name(body.to):
        raise Refusal(ErrorCode.BAD_NAME, f"no room can be called {body.to!r}")
    told = await call.rooms.move(call.room, call.user, body.to)
    if told is None:
        raise await _no_user(call)
    return Moved(room=call.room, user=call.user, to=body.to, told=told.told, unacknowledged=told.unacknowledged)


OPERATIONS: tuple[Operation, ...] = (
    list_rooms,
    get_room,
    create_room,
    kick,
    dismiss,
    send_message,
    get_user,
    update_extra,
    mute,
    move,
)


async def _kick_all(call: Call, users: list[str], body: KickBody) -> list[Told | None]:
    """Kick all at once: who is slow to acknowledge is waited for once, not for each."""
    kicks = (call.rooms.kick(call.room, user, body.text, ban_for=body.ban_for) for user in users)
    results = await asyncio.gather(*kicks, return_exceptions=True)  # none is left behind if another fails
    told: list[Told | None] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        told.append(result)
    return told


async def _room(call: Call) -> RoomStatus:
    room = await call.rooms.room(call.room)
    if room is None:
        raise _no_room(call)
    return room


async def _user_reached(call: Call, told: Told | None) -> UserReached:
    if told is None:
        raise await _no_user(call)
    return UserReached(room=call.room, user=call.user, told=told.told, unacknowledged=told.unacknowledged)


async def _no_user(call: Call, user: str | None = None) -> Missing:
    """Return what is missing: the room, or the user in it."""
    if await call.rooms.room(call.room) is None:
        return _no_room(call)
    return Missing(ErrorCode.NO_SUCH_USER, f"there is no user {user or call.user} in the room {call.room}")


def _no_room(call: Call) -> Missing:
    return Missing("no_such_room", f"there is no room {call.room}")


def _names(users: list[str]) -> str:
    return f"{users[0]} is" if len(users) == 1 else f"{', '.join(users)} are"
