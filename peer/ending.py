"""The last steps of every exit, wherever we were: every device is let go, and the exit is told, once."""

from peer.dispatch import Dispatcher
from peer.events import ExitRoom
from peer.exit import LIMITS, ExitState
from peer.leaving import Leaving
from peer.publishing import Publishing
from peer.watchdog import Watchdog
from signaling.journal import Journal


async def release_devices(leaving: Leaving, publishing: Publishing, journal: Journal) -> None:
    """Close everything that was opened to publish it, and write down how that went."""
    leaving.exit.devices = await publishing.close()
    for device in leaving.exit.devices:
        journal.write("released", device=device.device, outcome=device.outcome, took=device.took, text=device.text)


async def tell_exit(leaving: Leaving, dispatcher: Dispatcher, journal: Journal, watchdog: Watchdog | None) -> None:
    """Fire `onExitRoom` with the report, after what happened before; begun a second time, not twice."""
    report = leaving.report()
    if watchdog is not None:
        watchdog.exit_is_due(LIMITS[ExitState.REPORTING])  # a handler may block for as long as this step lasts
    try:
        await dispatcher.drain()
        if not dispatcher.has_ended:
            exited = ExitRoom(reason=report.reason, text=report.text, report=report)
            journal.tell(exited)
            await dispatcher.finish(exited)
    finally:
        await dispatcher.close(LIMITS[ExitState.REPORTING] / 5)
