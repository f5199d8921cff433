"""What the socket of a page does when the page or the room does nothing."""

import asyncio
from typing import Any

import pytest

from signaling.calls import Refusal
from signaling.config import SignalingConfig
from signaling.gate import Limit
from signaling.gateways.rmc_effects import Emit
from signaling.gateways.rmc_page import Page
from signaling.gateways.rmc_socket import TOO_LATE, PageSocket
from signaling.gateways.rmc_wire import Handshake
from signaling.gateways.socketio_server import SocketIoServer
from signaling.line import Line
from signaling.members import RoomStatus
from signaling.messages import ClientMessage, ErrorCode, Leave
from signaling.node import Node
from signaling.observer import Observer, Observers
from signaling.sockets import Sockets
from tests.gateways.rtcmulticonnection.test_rmc_page import LOBBY

LIMIT = 20.0  # seconds


class Refusals(Observer):
    def __init__(self) -> None:
        self.limits: list[Limit] = []

    def refused(self, limit: Limit) -> None:
        self.limits.append(limit)


class UnreadServer(SocketIoServer):
    """One whose client takes nothing."""

    def waiting(self, engine: str) -> int:
        return 1000

    async def emit(self, *_: Any, **__: Any) -> None:
        pass

    async def hang_up(self, sid: str, engine: str) -> bool:
        return False


class SilentNode(Node):
    """One whose room never answers."""

    def __init__(self) -> None:
        super().__init__(SignalingConfig(), Observers())
        self.said: list[ClientMessage] = []

    async def room(self, name: str) -> RoomStatus:
        return LOBBY

    def heard(self, connection: Line, message: ClientMessage) -> None:
        self.said.append(message)


class FarNode(SilentNode):
    """One that has to ask others what is known of a room: until `answer` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = asyncio.Event()
        self.answer: asyncio.Future[RoomStatus] = asyncio.get_running_loop().create_future()

    async def room(self, name: str) -> RoomStatus:
        self.is_asked.set()
        return await self.answer


class Transport(asyncio.Transport):
    is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True


def socket_of(server: SocketIoServer, observers: Observers, node: Node) -> PageSocket:
    page = Page(Handshake(userid="ana"))
    sockets = Sockets(SignalingConfig(), observers)
    return PageSocket("sid", "engine", "192.0.2.1", page, server=server, node=node, sockets=sockets)


async def test_a_page_that_does_not_read_is_cut_off_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    observers, refusals = Observers(), Refusals()
    observers.add(refusals)
    socket = socket_of(UnreadServer(), observers, SilentNode())
    socket.transport = transport = Transport()
    socket.apply([Emit("logs", ("much",))])
    async with asyncio.timeout(LIMIT):
        await socket.writing
    assert transport.is_aborted
    assert refusals.limits == [Limit.OUTBOX]
    assert "does not read" in caplog.text


async def test_a_room_that_does_not_answer_in_time_is_answered_for() -> None:
    node = SilentNode()
    socket = socket_of(UnreadServer(), Observers(), node)
    async with asyncio.timeout(LIMIT):
        assert await socket.hear("join-room", ({"sessionid": "lobby"},)) == (False, TOO_LATE)
    assert node.said[-1] == Leave()
    socket.ended("transport close")
    socket.ended("transport close")
    assert node.connections == 0
    await socket.writing


@pytest.mark.parametrize("goes", ["away", "on at another socket"])
async def test_a_page_that_goes_while_others_are_asked_of_the_room_does_not_come_in(goes: str) -> None:
    node = FarNode()
    socket = socket_of(UnreadServer(), Observers(), node)
    hearing = asyncio.create_task(socket.hear("join-room", ({"sessionid": "lobby"},)))
    async with asyncio.timeout(LIMIT):
        await node.is_asked.wait()
        if goes == "away":
            socket.ended("ping timeout")
        else:
            socket.give_up_page()
        node.answer.set_result(LOBBY)
        assert await hearing == ()
        socket.ended("transport close")
        await socket.writing
    assert (node.connections, node.said) == (0, [])


@pytest.mark.parametrize(
    ("event", "answer"),
    [("join-room", (False, "it does not answer")), ("check-presence", (False, "lobby", {}))],
)
async def test_where_nobody_can_say_what_is_known_of_a_room_the_page_is_answered(
    event: str, answer: tuple[object, ...]
) -> None:
    node = FarNode()
    node.answer.set_exception(Refusal(ErrorCode.WRONG_STATE, "it does not answer"))
    socket = socket_of(UnreadServer(), Observers(), node)
    asked = "lobby" if event == "check-presence" else {"sessionid": "lobby"}
    async with asyncio.timeout(LIMIT):
        assert await socket.hear(event, (asked,)) == answer
        socket.ended("transport close")
        await socket.writing
