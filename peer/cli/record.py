"""`exeunt record`: one peer that records what the others send, with a table of what it has so far."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from peer.cli.output import Lines, Output
from peer.cli.publish import visit
from peer.errors import DeviceFailed, UsageError
from peer.events import RecordingFailed
from peer.peer import Peer
from peer.recording.containers import WORDS
from peer.recording.form import EVERYBODY
from peer.recording.recorder import PER_USER, Recorder, file_name
from peer.recording.reel import TrackLength
from peer.visit import RemoteUser

REFRESHES = 2  # of the table, a second
UNITS = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """What is to be recorded, and where to."""

    folder: Path
    container: str
    only: tuple[str, ...] = ()
    each: bool = False
    composite: bool = False

    def path(self, room: str) -> Path:
        """Return the path of the file, or of each user's."""
        return self.folder / f"{PER_USER if self.each else file_name(room)}.{self.container}"


@dataclass(frozen=True)
class Row:
    """One user in the table."""

    user: str
    picture: str
    sound: str
    seconds: float
    size: int  # bytes
    lost: int  # packets


async def run_recorder(
    output: Output,
    url: str,
    *,
    room: str,
    user: str,
    token: str | None,
    options: RecordOptions,
    journal: Path | None,
    seconds: float | None,
) -> None:
    """Record until a signal, the given time, or until somebody makes us leave.

    Raises `DeviceFailed` if the disk ended it, `UsageError` if the container holds nothing of what was sent.
    """
    if options.each and options.composite:
        raise UsageError("--composite is one file of everybody, --each one of each: choose one of them")
    await _make_folder(options.folder)
    peer = Peer(url, room=room, user=user, token=token, journal=journal)
    recorder = Recorder(peer, options.path(room), users=options.only or None, composite=options.composite)
    met: dict[str, RemoteUser] = {}

    async def record(me: Peer) -> None:
        me.on_remote_user_join(lambda _: met.update(me.users))
        me.on_recording_failed(lambda failed: me.request_exit() if failed.user is None else None)
        me.on_exit_room(lambda _: _sum_up(output, found()))  # before the report, which is last
        await recorder.start()
        output.fact("records", f"{', '.join(options.only) or 'everybody'} to {recorder.path}")

    def found() -> list[Row]:
        lost = {name: _lost(user) for name, user in tuple(met.items())}
        return rows(recorder.tracks, {EVERYBODY: sum(lost.values())} if options.composite else lost)

    with _live(output, lambda: render(found())):
        await visit(output, peer, record, seconds)
    _raise_failure(recorder)


def rows(tracks: tuple[TrackLength, ...], lost: dict[str, int]) -> list[Row]:
    """Return one row for each user of whom there is anything, in the order in which they came. Pure."""
    found = []
    for user in dict.fromkeys(track.user for track in tracks):
        own = [track for track in tracks if track.user == user]
        pictures = [f"{WORDS[t.codec]} {t.width}x{t.height}" for t in own if t.kind == "video"]
        sounds = [WORDS[t.codec] for t in own if t.kind == "audio"]
        seconds, size = max(t.seconds for t in own), sum(t.bytes for t in own)
        found.append(Row(user, " ".join(pictures) or "-", " ".join(sounds) or "-", seconds, size, lost.get(user, 0)))
    return found


def render(found: list[Row]) -> Table:
    """Return the rows as a table. Pure."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("user", no_wrap=True, overflow="ellipsis", max_width=24)
    for title in ("picture", "sound"):
        table.add_column(title, no_wrap=True)
    for title in ("length", "size", "lost"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in found:
        lost = f"[yellow]{row.lost}[/]" if row.lost else "0"
        table.add_row(escape(row.user), row.picture, row.sound, length_words(row.seconds), size_words(row.size), lost)
    if not found:
        table.add_row("[dim]nobody yet[/]")
    return table


def describe(row: Row) -> str:
    """Say a row in one line. Pure."""
    size, length = size_words(row.size), length_words(row.seconds)
    return f"{row.user}: picture {row.picture}, sound {row.sound}, {length}, {size}, {row.lost} packets lost"


def length_words(seconds: float) -> str:
    """Return a length like 1:02:03. Pure."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def size_words(size: float) -> str:
    """Return a size like 1.2 MB. Pure."""
    for unit in UNITS[:-1]:
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == UNITS[0] else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {UNITS[-1]}"


@contextmanager
def _live(output: Output, table: Callable[[], Table]) -> Iterator[None]:
    """Inside the block, show the table below the lines, where there is a terminal."""
    if not isinstance(output, Lines) or not output.console.is_terminal:
        yield
        return
    with Live(get_renderable=table, console=output.console, refresh_per_second=REFRESHES, transient=True):
        yield


def _sum_up(output: Output, found: list[Row]) -> None:
    """Say what is recorded of whom: as a table for people, a line for each for machines."""
    if isinstance(output, Lines):
        output.console.print(render(found))
        return
    for row in found:
        output.fact("track", describe(row))


def _lost(user: RemoteUser) -> int:
    return user.video.counts.packets_lost + user.audio.counts.packets_lost


async def _make_folder(folder: Path) -> None:
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be made: {error.strerror or error}") from None


def _raise_failure(recorder: Recorder) -> None:
    """Have the command fail if the disk did, or if nothing at all could be recorded."""
    failures: list[RecordingFailed] = recorder.failures
    for failed in failures:
        if failed.user is None:
            raise DeviceFailed(f"{failed.path}: {failed.text}")
    if failures and not recorder.files:
        raise UsageError(failures[0].text)
