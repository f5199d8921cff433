"""A peer that does as it is told, in a process of its own: the one whose exits are looked at.

Commands come as JSON lines on stdin, `{"do": NAME, ...}`; what happens goes out as JSON lines on stdout, each with the
machine's monotonic time. One process plays one stay after the other, as long as nothing kills it.
"""

import asyncio
import ctypes
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Coroutine

import msgspec
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder

from peer import Camera, ExitState, Peer, TestPattern, leave_on_signals
from peer.capture import Source, acquire
from peer.errors import ExeuntError
from peer.events import Event, ExitRoom
from peer.hooks import Hook
from tests import leaks

LIMIT = 30.0  # seconds for anything that is waited for here


def say(kind: str, **facts: object) -> None:
    """Print a line at once, in one write."""
    line = json.dumps({"at": time.monotonic(), "is": kind, **facts})
    os.write(1, f"{line}\n".encode())


class Stay:
    """One stay in a room, from before it to after it."""

    def __init__(self, order: dict[str, object]) -> None:
        say("entering")
        self.order = order
        self.me = Peer(
            str(order["url"]), room=str(order.get("room", "lobby")), user="ana", **dict(order.get("options") or {})
        )
        self.cause = asyncio.get_running_loop().create_future()
        self.go = asyncio.Event()
        self.tasks: set[asyncio.Task[object]] = set()
        self.timeout: asyncio.Timeout | None = None
        for hook in [hook for hook in vars(self.me).values() if isinstance(hook, Hook)]:
            hook(self.note)
        self.source = source_of(order)
        self.before = leaks.held()
        self.task = self.keep(self.play(), "stay")

    def keep(self, work: Coroutine[object, object, object], name: str) -> "asyncio.Task[object]":
        task = asyncio.create_task(work, name=name)
        self.tasks.add(task)
        return task

    async def note(self, event: Event) -> None:
        say("event", event=json.loads(msgspec.json.encode(event)))
        if isinstance(event, ExitRoom):
            await self.look_around()
        elif self.order.get("handler") == "raises":
            raise ZeroDivisionError("a handler that raises")
        elif self.order.get("handler") == "hangs" and type(event).__name__ == "RemoteUserUpdate":
            await asyncio.Event().wait()
        elif self.order.get("handler") == "leaves" and type(event).__name__ == "RemoteUserUpdate":
            await self.me.leave()

    async def look_around(self) -> None:
        """Inside `on_exit_room` the device can be opened again, here and by others: wait until they have tried."""
        if isinstance(self.source, Camera) and self.order.get("reopen", True):
            try:
                capture = await acquire(self.source, limit=LIMIT)
                say("reopened", outcome=(await capture.release()).outcome)
            except ExeuntError as error:
                say("reopened", error=str(error))
        say("inside")
        await self.go.wait()
        if self.order.get("exit_handler") == "raises":
            raise ZeroDivisionError("a handler of onExitRoom that raises")
        if self.order.get("exit_handler") == "hangs":
            await asyncio.Event().wait()
        if self.order.get("exit_handler") == "leaves":
            await self.me.leave()

    async def play(self) -> None:
        with leave_on_signals(self.me):
            async with asyncio.timeout(None) as self.timeout, self.me:
                say("entered", session=self.me.session)
                self.keep(self.watch(), "watch")
                out = self.keep(self.me.wait_exited(), "wait for the end")
                await asyncio.wait({self.cause, out}, return_when=asyncio.FIRST_COMPLETED)
                if self.cause.done() and self.cause.result() == "exception":
                    raise ZeroDivisionError("an exception in the block")

    async def watch(self) -> None:
        """Say when leaving begins."""
        while self.me.state is ExitState.ACTIVE:  # noqa: ASYNC110 - nobody tells before the end
            await asyncio.sleep(0.005)
        say("leaving")

    async def publish(self) -> None:
        asyncio.get_running_loop().call_later(0.01, say, "publishing")
        try:
            await self.me.publish(self.source)
            say("published")
        except (ExeuntError, asyncio.CancelledError) as error:
            say("refused", error=type(error).__name__, text=str(error))

    async def refresh(self, token: str) -> None:
        await self.me.refresh_token(token)
        say("refreshed")

    async def over(self) -> None:
        """Wait until all of it has ended; say how, and what is left."""
        await asyncio.wait(self.tasks, timeout=LIMIT)
        ended = "cancelled" if self.task.cancelled() else type(self.task.exception()).__name__
        tasks = await leaks.tasks_left(set())
        left = await asyncio.to_thread(leaks.wait_until_nothing_is_left, self.before)
        Vp8Encoder.encode, H264Encoder.encode = ENCODERS
        say("over", ended=ended, left=left, tasks=tasks)


ENCODERS = Vp8Encoder.encode, H264Encoder.encode


def fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError("an encoder that fails")


def source_of(order: dict[str, object]) -> Source:
    if order.get("camera"):
        return Camera(str(order["camera"]), width=320, height=240, **dict(order.get("capture") or {}))
    return TestPattern(width=160, height=90, fps=10, tone=0)


def leave(stay: Stay) -> None:
    stay.keep(stay.me.leave(), "leave")


def leave_twice(stay: Stay) -> None:
    leave(stay)
    leave(stay)


def leave_from_many(stay: Stay) -> None:
    for _ in range(5):
        stay.keep(stay.me.wait_exited(), "wait")
        leave(stay)


def cancel(times: int, *, first_leave: bool = False) -> object:
    async def again_and_again(stay: Stay) -> None:
        for _ in range(times):
            stay.task.cancel()
            await asyncio.sleep(0)

    def begin(stay: Stay) -> None:
        if first_leave:
            stay.me.request_exit()
        stay.keep(again_and_again(stay), "cancel")

    return begin


def time_out(stay: Stay) -> None:
    assert stay.timeout is not None
    stay.timeout.reschedule(asyncio.get_running_loop().time())


def end(cause: str) -> object:
    return lambda stay: stay.cause.set_result(cause)


def block_in_python(_: Stay) -> None:
    say("blocking")
    while True:
        pass


def leave_and_block(stay: Stay) -> None:
    stay.me.request_exit()
    asyncio.get_running_loop().call_later(0.001, block_in_python, stay)


def block_in_c(_: Stay) -> None:
    say("blocking")
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def segfault(_: Stay) -> None:
    ctypes.string_at(0)


def run_out_of_memory(_: Stay) -> None:
    """Take more than the process may have; what cannot go on without memory ends it."""
    resource.setrlimit(resource.RLIMIT_AS, (1, 1))
    ctypes.CDLL(None).abort()


CAUSES = {
    "begin to leave": lambda stay: stay.me.request_exit(),
    "leave": leave,
    "leave twice": leave_twice,
    "leave from many tasks": leave_from_many,
    "end of block": end("end"),
    "exception": end("exception"),
    "cancelled": cancel(1),
    "cancelled twice": cancel(2),
    "cancelled five times": cancel(5),
    "cancelled while leaving": cancel(3, first_leave=True),
    "timeout": time_out,
    "loop blocked in Python": block_in_python,
    "loop blocked in C": block_in_c,
    "leave and block": leave_and_block,
    "segmentation fault": segfault,
    "out of memory": run_out_of_memory,
}


async def obey() -> None:
    """Carry out commands until stdin ends."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    stay: Stay | None = None
    say("ready")
    while line := await lines.readline():
        order = json.loads(line)
        match order["do"]:
            case "enter":
                stay = Stay(order)
            case "publish":
                stay.keep(stay.publish(), "publish")
            case "mute":
                stay.me.mute("video")
                say("muted")
            case "refresh":
                stay.keep(stay.refresh(order["token"]), "refresh")
            case "break encoder":
                Vp8Encoder.encode = H264Encoder.encode = fail  # until the next stay
                say("broken")
            case "cause":
                say("begins")
                CAUSES[order["cause"]](stay)
                say("done")
            case "go":
                stay.go.set()
            case "over":
                await stay.over()


async def main() -> None:
    asyncio.current_task().set_name("commands")
    await obey()


if __name__ == "__main__":
    asyncio.run(main())
