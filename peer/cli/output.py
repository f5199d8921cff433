"""What the command prints: lines for people, or JSON lines for machines, one event each and the exit report last."""

import time
from typing import Protocol

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from peer.cli.rows import Row
from peer.events import (
    ConnectionBack,
    ConnectionLost,
    DeviceBack,
    DeviceLost,
    EnterRoom,
    Event,
    ExitReport,
    ExitRoom,
    Message,
    Muted,
    Outcome,
    RecordingEnded,
    RecordingFailed,
    RecordingStarted,
    RemoteUserBack,
    RemoteUserFirstFrame,
    RemoteUserFrozen,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserMuted,
    RemoteUserPublished,
    RemoteUserQuality,
    RemoteUserResumed,
    RemoteUserSilent,
    RemoteUserSpeaking,
    RemoteUserUnmuted,
    RemoteUserUnpublished,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    RoomChanged,
    SourceEnded,
    TokenExpiring,
)
from signaling.reasons import Reason

STEP_WORDS = {
    "notifying": "the others are told",
    "releasing": "the devices are free",
    "closing": "connections closed",
    "reporting": "on_exit_room",
}
REASON_WORDS = {
    Reason.LEFT: "left",
    Reason.KICKED: "removed by a moderator",
    Reason.DISMISSED: "the room was closed",
    Reason.REPLACED: "the same user joined elsewhere",
    Reason.TOKEN_EXPIRED: "the token expired",
    Reason.NETWORK_LOST: "the network was lost",
    Reason.CRASHED: "the process died",
    Reason.SERVER_SHUTDOWN: "the server went down",
    Reason.ERROR: "the program failed",
    Reason.MOVED: "moved to another room",
}


class Output(Protocol):
    """How results are shown."""

    def event(self, event: Event) -> None:
        """Show something that happened."""

    def fact(self, name: str, text: str) -> None:
        """Show something that is so: an address, a device."""

    def error(self, text: str) -> None:
        """Show what went wrong, in one line."""


class JsonLines:
    """One JSON object a line on standard output."""

    def event(self, event: Event) -> None:
        """Print an event as it would be on the wire, with the time of day in seconds."""
        self._print(msgspec.to_builtins(event))

    def fact(self, name: str, text: str) -> None:
        """Print `{"type": name, "text": ...}`."""
        self._print({"type": name, "text": text})

    def error(self, text: str) -> None:
        """Print `{"type": "error", "text": ...}`, and the line on standard error."""
        self._print({"type": "error", "text": text})
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"exeunt: {escape(text)}")

    def streams(self, rows: list[Row]) -> None:
        """Print what is sent to everybody, as `{"type": "stats", "streams": [...]}`."""
        self._print({"type": "stats", "streams": msgspec.to_builtins(rows)})

    @staticmethod
    def _print(words: dict[str, object]) -> None:
        print(msgspec.json.encode({"time": round(time.time(), 3), **words}).decode(), flush=True)


class PipedConsole(Console):
    """A console whose broken pipe is an error like any other: rich would end the process from inside."""

    def on_broken_pipe(self) -> None:
        """Raise what Python raises without rich."""
        raise BrokenPipeError


class Lines:
    """Lines with the time of day, for people."""

    def __init__(self) -> None:
        self._console = PipedConsole(highlight=False, soft_wrap=True)

    @property
    def console(self) -> Console:
        """Where the lines go: what is shown beside them must go through it as well."""
        return self._console

    def event(self, event: Event) -> None:
        """Print an event; the exit with its report."""
        stamp = time.strftime("%H:%M:%S")
        self._console.print(f"[dim]{stamp}[/]  {describe(event)}")
        if isinstance(event, ExitRoom):
            self._console.print(report_table(event.report))

    def fact(self, name: str, text: str) -> None:
        """Print a name and its value, aligned."""
        self._console.print(f"  [bold]{escape(name):<8}[/]  {escape(text)}")

    def error(self, text: str) -> None:
        """Print one line on standard error."""
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]exeunt:[/] {escape(text)}")


def describe(event: Event) -> str:
    """Say in one line, with rich's markup, what happened."""
    match event:
        case EnterRoom(room=room, user=user):
            return f"in room [bold]{escape(room)}[/] as [bold]{escape(user)}[/]"
        case RoomChanged(room=room):
            return f"moved to room [bold]{escape(room)}[/]"
        case Message(user=user, topic=topic, data=data):
            return f"  {escape(user or 'the server')} says {_json(topic)}: {_json(data)}"
        case Muted(kind=kind, text=text):
            return f"[yellow]?[/] our {kind} was muted{'' if text is None else f': {escape(text)}'}"
        case TokenExpiring(expires_in=expires_in):
            return f"[yellow]?[/] our token expires in {expires_in:.0f} s"
        case RemoteUserJoin(user=user):
            return f"[green]+[/] {escape(user)} is here"
        case RemoteUserUpdate(user=user, extra=extra):
            return f"  {escape(user)} is now {_json(extra)}"
        case RemoteUserUnreachable(user=user):
            return f"[yellow]?[/] {escape(user)} is unreachable"
        case RemoteUserBack(user=user):
            return f"[green]+[/] {escape(user)} is back"
        case RemoteUserLeave():
            return _describe_leave(event)
        case ConnectionLost(grace=grace):
            return f"[yellow]?[/] the server does not answer; trying to come back for {grace:g} s"
        case ConnectionBack():
            return "[green]+[/] back, and nobody saw us leave"
        case SourceEnded(device=device, text=text):
            return f"  {escape(device)} {'is over' if text is None else f'failed: {escape(text)}'}"
        case DeviceLost(text=text):
            return f"[yellow]?[/] {escape(text)}"
        case DeviceBack(device=device, lost_for=lost_for):
            return f"[green]+[/] {escape(device)} is back after {lost_for:.1f} s"
        case RemoteUserFirstFrame() | RemoteUserFrozen() | RemoteUserResumed():
            return f"  {escape(event.user)}: {_describe_flow(event)}"
        case RemoteUserPublished(user=user, kind=kind):
            return f"  {escape(user)} sends {kind}"
        case RemoteUserUnpublished(user=user, kind=kind):
            return f"  {escape(user)} sends no {kind} any more"
        case RemoteUserMuted(user=user, kind=kind):
            return f"  {escape(user)} has muted their {kind}"
        case RemoteUserUnmuted(user=user, kind=kind):
            return f"  {escape(user)} has unmuted their {kind}"
        case RemoteUserQuality(user=user, quality=quality):
            return f"  the connection with {escape(user)} is {quality.name.lower().replace('_', ' ')}"
        case RemoteUserSpeaking(user=user):
            return f"  {escape(user)} is speaking"
        case RemoteUserSilent(user=user):
            return f"  {escape(user)} is silent"
        case RecordingStarted(path=path):
            return f"[green]+[/] recording to {escape(path)}"
        case RecordingEnded(path=path, seconds=seconds, size=size):
            return f"  {escape(path)} is complete: {seconds:.1f} s, {size:,} bytes"
        case RecordingFailed(path=path, text=text):
            return f"[red]-[/] {escape(path)}: {escape(text)}"
        case ExitRoom(reason=reason, text=text, report=report):
            return f"[bold]out[/] after {_ms(report.total)}: {_because(reason, text)}"


def report_table(report: ExitReport) -> Table:
    """Return the exit report as a table: one line for each step, one for each device."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right", min_width=12, style="dim")
    table.add_column()
    table.add_column()
    for step in report.steps:
        ended = report.notice if step.name == "notifying" and step.ended == "ok" else step.ended
        table.add_row(_ms(step.took), STEP_WORDS[step.name], _colour(ended, good=step.ended == "ok"))
        if step.name == "releasing":
            for device in report.devices:
                good = device.outcome is not Outcome.STUCK
                words = f"{device.outcome}{f': {device.text}' if device.text else ''}"
                table.add_row(_ms(device.took), f"  {escape(device.device)}", _colour(words, good=good))
    return table


def _describe_flow(event: RemoteUserFirstFrame | RemoteUserFrozen | RemoteUserResumed) -> str:
    match event:
        case RemoteUserFirstFrame(kind=kind):
            return f"the first {'sound' if kind == 'audio' else 'picture'} is here"
        case RemoteUserFrozen():
            return "the picture is frozen"
        case RemoteUserResumed(frozen_for=frozen_for):
            return f"the picture moves again after {frozen_for:.1f} s"


def _describe_leave(event: RemoteUserLeave) -> str:
    silent = f", silent for {event.silent_for:.1f} s" if event.silent_for >= 0.1 else ""
    known = str(event.detected_by).replace("_", " ")
    return f"[red]-[/] {escape(event.user)} is gone: {_because(event.reason, event.text)} [dim]({known}{silent})[/]"


def _json(value: object) -> str:
    return escape(msgspec.json.encode(value).decode())


def _because(reason: Reason, text: str | None) -> str:
    return f"{REASON_WORDS[reason]}{f' ({escape(text)})' if text else ''}"


def _colour(text: str, *, good: bool) -> str:
    return f"[{'green' if good else 'red'}]{escape(text)}[/]"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
