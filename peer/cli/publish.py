"""`exeunt publish`: one peer that publishes what the command line names, until it is time to leave."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

from peer.capture import Camera, File, Microphone, Screen, Source, TestPattern
from peer.cli.arguments import DEFAULT, SourceOptions
from peer.cli.enduring import STATS_EVERY, Stays
from peer.cli.output import Output
from peer.errors import Rejected, ServerUnreachable, UsageError
from peer.events import ExitReport
from peer.exit import ExitState
from peer.hooks import EventStream
from peer.participant import Participant
from peer.peer import Peer
from peer.publishing import Publication, sending_as
from peer.signals import leave_on_signals
from signaling.reasons import Reason

ONE = Stays(is_kiosk=False)
NO_ROOM = "; for a room say which: exeunt publish ws://SERVER/ws ROOM"  # with the address of its page one comes to this
P = TypeVar("P", bound=Participant)


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
    room: str | None,
    user: str,
    token: str | None,
    options: SourceOptions,
    journal: Path | None,
    seconds: float | None,
    stays: Stays = ONE,
    stats: bool = False,
) -> None:
    """Publish until a signal, the given time, the end of the file, or until somebody makes us leave.

    A kiosk publishes again then, until a signal or the given time. Without a room, `url` is a WHIP endpoint.
    """
    chosen = sources(options)
    sending_as(options.codec, options.encoder, options.bitrate)  # what is wrong is said before the room is entered

    async def publish(me: Participant) -> None:
        if stats:
            from peer.cli.live import Display

            Display(output, me)
        for source in chosen:
            published = await me.publish(source, codec=options.codec, encoder=options.encoder, bitrate=options.bitrate)
            say_published(output, published)

    def make_peer() -> Participant:
        if room is None:
            return _whip_publisher(url, token, journal)
        return Peer(
            url, room=room, user=user, token=token, journal=journal, quality_interval=STATS_EVERY if stats else 0.0
        )

    if not stays.is_kiosk:
        try:
            await visit(output, make_peer(), publish, seconds)
        except Rejected as error:
            advice = NO_ROOM if error.status == HTTPStatus.METHOD_NOT_ALLOWED else ""
            raise Rejected(error.status, f"{error}{advice}") from None
        return
    from peer.cli.kiosk import Kiosk, run_kiosk

    hold = chosen if stays.keep_devices else ()
    kiosk = Kiosk(make_peer=make_peer, publish=publish, hold=hold, longest_wait=stays.longest_wait)
    await run_kiosk(output, kiosk, seconds)


def _whip_publisher(url: str, token: str | None, journal: Path | None) -> Participant:
    from peer.whip import WhipPublisher

    if not url.startswith(("http://", "https://")):
        raise UsageError("say which room: exeunt publish URL ROOM; only a WHIP endpoint, https://..., has none")
    return WhipPublisher(url, token=token, journal=journal)


async def visit(output: Output, peer: P, publish: Callable[[P], Awaitable[None]], seconds: float | None) -> None:
    """Be in a room, as `stay`, until a signal or the given time ends that.

    Raises `SignalingError` if the visit ends because the network was lost.
    """
    with leave_on_signals(peer):
        report = await stay(output, peer, publish, seconds)
    if report.reason is Reason.NETWORK_LOST:
        raise ServerUnreachable(report.text or "the network was lost")


async def stay(
    output: Output, peer: P, publish: Callable[[P], Awaitable[None]], seconds: float | None = None
) -> ExitReport:
    """Be in a room, showing what happens, from entering to the report. A file that is over ends the stay."""
    shown: asyncio.Task[None] | None = None
    try:
        async with peer as me:
            shown = asyncio.create_task(_show(output, me.events()), name="output")
            shown.add_done_callback(lambda _: me.request_exit())  # whoever read our output is gone
            me.on_source_ended(lambda _: None if me.publications else me.request_exit())
            if seconds is not None:
                asyncio.get_running_loop().call_later(seconds, me.request_exit)
            await _unless_exited(publish(me), me)
            return await me.wait_exited()
    finally:
        if shown is not None:
            await shown


def say_published(output: Output, publication: Publication) -> None:
    """Show what is really sent."""
    output.fact("sends", f"{publication.source.label}, {publication.format.describe()}")


async def _show(output: Output, events: EventStream) -> None:
    async for event in events:
        output.event(event)


async def _unless_exited(work: Awaitable[None], me: Participant) -> None:
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
