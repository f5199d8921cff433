"""`exeunt publish`: one peer that publishes what the command line names, until it is time to leave."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from peer.capture import Camera, File, Microphone, Screen, Source, TestPattern
from peer.cli.arguments import DEFAULT, SourceOptions
from peer.cli.output import Output
from peer.errors import ServerUnreachable, UsageError
from peer.exit import ExitState
from peer.hooks import EventStream
from peer.peer import Peer
from peer.publishing import Publication
from peer.signals import leave_on_signals
from signaling.reasons import Reason


def sources(options: SourceOptions) -> list[Source]:
    """Return what the options name. Raises `UsageError` if they name nothing."""
    if not options.any:
        raise UsageError("say what to publish: --camera, --microphone, --screen, --file PATH or --test")
    width, height = options.size or (1280, 720)
    isolation = options.isolation
    chosen: list[Source] = []
    if options.camera:
        camera = _device(options.camera)
        chosen.append(Camera(camera, width=width, height=height, fps=options.fps, isolation=isolation))
    if options.screen:
        chosen.append(_screen(options))
    if options.microphone:
        chosen.append(Microphone(_device(options.microphone), isolation=isolation))
    if options.file:
        chosen.append(File(options.file, loop=options.loop, isolation=isolation))
    if options.test:
        chosen.append(TestPattern(width=width, height=height, fps=options.fps))
    return chosen


async def run_publisher(
    output: Output,
    url: str,
    *,
    room: str,
    user: str,
    token: str | None,
    options: SourceOptions,
    journal: Path | None,
    seconds: float | None,
) -> None:
    """Publish until a signal, the given time, the end of the file, or until somebody makes us leave."""
    chosen = sources(options)

    async def publish(me: Peer) -> None:
        for source in chosen:
            published = await me.publish(source, codec=options.codec, encoder=options.encoder, bitrate=options.bitrate)
            say_published(output, published)

    await visit(output, Peer(url, room=room, user=user, token=token, journal=journal), publish, seconds)


async def visit(output: Output, peer: Peer, publish: Callable[[Peer], Awaitable[None]], seconds: float | None) -> None:
    """Be in a room, showing what happens, from entering to the report. A file that is over ends the visit.

    Raises `SignalingError` if the visit ends because the network was lost.
    """
    shown: asyncio.Task[None] | None = None
    try:
        with leave_on_signals(peer):
            async with peer as me:
                shown = asyncio.create_task(_show(output, me.events()), name="output")
                shown.add_done_callback(lambda _: me.request_exit())  # whoever read our output is gone
                me.on_source_ended(lambda _: None if me.publications else me.request_exit())
                if seconds is not None:
                    asyncio.get_running_loop().call_later(seconds, me.request_exit)
                await _unless_exited(publish(me), me)
                report = await me.wait_exited()
    finally:
        if shown is not None:
            await shown
    if report.reason is Reason.NETWORK_LOST:
        raise ServerUnreachable(report.text or "the network was lost")


def say_published(output: Output, publication: Publication) -> None:
    """Show what is really sent."""
    output.fact("sends", f"{publication.source.label}, {publication.format.describe()}")


async def _show(output: Output, events: EventStream) -> None:
    async for event in events:
        output.event(event)


async def _unless_exited(work: Awaitable[None], me: Peer) -> None:
    """Do some work; an exit in the middle of it is no failure."""
    try:
        await work
    except UsageError:
        if me.state is ExitState.ACTIVE:
            raise


def _device(name: str) -> str | None:
    return None if name == DEFAULT else name


def _screen(options: SourceOptions) -> Screen:
    display = _device(options.screen or DEFAULT)
    if options.size is None:
        return Screen(display, fps=options.fps, isolation=options.isolation)
    width, height = options.size
    return Screen(display, width=width, height=height, fps=options.fps, isolation=options.isolation)
