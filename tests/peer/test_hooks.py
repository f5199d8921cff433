"""Handlers: in order, one at a time, none of them able to harm another."""

import asyncio

import pytest

from peer import Detection, EnterRoom, ExitReport, ExitRoom, Reason, RemoteUserLeave, RemoteUserUpdate
from peer.dispatch import Dispatcher
from peer.hooks import EventStream, Hook, Hooks

ENTER = EnterRoom(room="r", user="ana")
EXIT = ExitRoom(reason=Reason.LEFT, report=ExitReport(reason=Reason.LEFT))


async def test_handlers_plain_and_async_run_in_order_of_registration() -> None:
    hook: Hook[EnterRoom] = Hook("onEnterRoom")
    called = []

    @hook
    def plain(_: EnterRoom) -> None:
        called.append("plain")

    @hook
    async def later(_: EnterRoom) -> None:
        await asyncio.sleep(0)
        called.append("async")

    hook(lambda _: called.append("lambda"))
    await hook.fire(ENTER)
    assert called == ["plain", "async", "lambda"]
    hook.remove(plain)
    hook.remove(plain)
    await hook.fire(ENTER)
    assert called[3:] == ["async", "lambda"]


async def test_a_handler_that_raises_is_logged_and_the_next_is_called(caplog: pytest.LogCaptureFixture) -> None:
    hook: Hook[EnterRoom] = Hook("onEnterRoom")
    called = []

    @hook
    def fails(_: EnterRoom) -> None:
        raise ValueError("oh")

    hook(lambda _: called.append(1))
    await hook.fire(ENTER)
    assert called == [1]
    assert "a handler of onEnterRoom failed" in caplog.text


async def test_a_slow_handler_delays_events_and_mixes_none() -> None:
    hooks, seen, go_on = Hooks(), [], asyncio.Event()

    @hooks.on_enter_room
    async def slow(event: EnterRoom) -> None:
        await go_on.wait()
        seen.append(event.user)

    dispatcher = Dispatcher(hooks)
    dispatcher.start()
    for user in ("ana", "bo"):
        dispatcher.put(EnterRoom(room="r", user=user))
    await asyncio.sleep(0)
    assert seen == []
    go_on.set()
    hooks.on_exit_room(lambda _: seen.append("exit"))
    await dispatcher.drain()
    await dispatcher.finish(EXIT)
    await dispatcher.close(1.0)
    assert seen == ["ana", "bo", "exit"]


async def test_a_reader_of_events_that_does_not_read_loses_the_oldest_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = EventStream()
    for number in range(EventStream.LIMIT + 5):
        stream.put(EnterRoom(room="r", user=f"u{number}"))
    stream.put(EXIT)
    events = [event async for event in stream]
    assert events[-1] == EXIT
    assert events[0] == EnterRoom(room="r", user="u6")
    assert caplog.text.count("the oldest are dropped") == 1


async def test_a_handler_that_awaits_something_cancelled_does_not_end_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hook: Hook[EnterRoom] = Hook("onEnterRoom")
    called = []

    @hook
    async def awaits_a_cancelled_task(_: EnterRoom) -> None:
        task = asyncio.create_task(asyncio.Event().wait())
        task.cancel()
        await task

    hook(lambda _: called.append(1))
    await hook.fire(ENTER)
    assert called == [1]
    assert "awaited something that was cancelled" in caplog.text


async def test_a_cancelled_dispatcher_is_cancelled() -> None:
    hook: Hook[EnterRoom] = Hook("onEnterRoom")
    started = asyncio.Event()

    @hook
    async def forever(_: EnterRoom) -> None:
        started.set()
        await asyncio.Event().wait()

    firing = asyncio.create_task(hook.fire(ENTER))
    await started.wait()
    firing.cancel()
    await asyncio.wait({firing})
    assert firing.cancelled()


async def test_a_stream_opened_after_the_exit_holds_the_exit() -> None:
    dispatcher = Dispatcher(Hooks())
    dispatcher.start()
    await dispatcher.drain()
    await dispatcher.finish(EXIT)
    await dispatcher.close(1.0)
    assert [event async for event in dispatcher.stream()] == [EXIT]


async def test_of_a_users_updates_only_the_newest_waits_for_a_slow_handler() -> None:
    hooks, seen, go_on = Hooks(), [], asyncio.Event()

    @hooks.on_enter_room
    async def slow(_: EnterRoom) -> None:
        await go_on.wait()

    hooks.on_remote_user_update(lambda event: seen.append((event.user, event.extra["n"])))
    hooks.on_remote_user_leave(lambda event: seen.append((event.user, "left")))
    dispatcher = Dispatcher(hooks)
    dispatcher.start()
    dispatcher.put(ENTER)
    await asyncio.sleep(0)
    for number in range(1000):
        for user in ("ana", "bo"):
            dispatcher.put(RemoteUserUpdate(user=user, session=user, seq=number, extra={"n": number}))
    left = RemoteUserLeave(user="bo", session="bo", seq=1001, reason=Reason.LEFT, detected_by=Detection.NOTICE)
    dispatcher.put(left)
    go_on.set()
    await dispatcher.drain()
    await dispatcher.finish(EXIT)
    await dispatcher.close(1.0)
    assert seen == [("ana", 999), ("bo", 999), ("bo", "left")]
