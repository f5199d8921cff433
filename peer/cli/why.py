"""`exeunt why`: reads journals and says why and how a user left, with the lines that this rests on."""

import heapq
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
from rich.markup import escape
from rich.table import Table

from peer.cli.explain import Explanation, details, explain
from peer.cli.output import Output, PipedConsole
from peer.cli.stays import stays_of, users_of
from peer.errors import ExeuntError, UsageError
from signaling.entry import Entry, decode_entry
from signaling.journal import open_file


def check_journal(path: Path | None) -> None:
    """Raise `UsageError` if a journal cannot be written there: at the start that is a mistake, later only a warning."""
    if path is None:
        return
    try:
        open_file(path).close()
    except OSError as error:
        raise UsageError(f"cannot write a journal to {path}: {error.strerror or error}") from None


def show_why(output: Output, paths: Iterable[Path], user: str, *, room: str | None, every: bool, json: bool) -> None:
    """Show the last stay of a user, or every one. Raises `ExeuntError` if the journals know nothing of it."""
    entries, damaged = read_journals(paths)
    stays = stays_of(entries, user, room)
    if not stays:
        raise ExeuntError(_unknown(user, room, users_of(entries)))
    for stay in stays if every else stays[-1:]:
        _show(explain(stays, stay, _clock, entries[-1].wall), json=json)
    if len(stays) > 1 and not every:
        times = "once" if len(stays) == 2 else f"{len(stays) - 1} times"
        output.fact("before", f"{user} was here {times} before: --all shows each stay")
    if damaged:
        output.fact("damaged", f"{damaged} line{'s' if damaged > 1 else ''} cannot be read")


def read_journals(paths: Iterable[Path]) -> tuple[list[Entry], int]:
    """Return the entries of all journals by the time of day, and how many lines are damaged. Raises `ExeuntError`."""
    journals: list[list[Entry]] = []
    damaged = 0
    for path in paths:
        lines = [decode_entry(line) for line in _lines(path)]
        journals.append([line for line in lines if line is not None])
        damaged += lines.count(None)
    return list(heapq.merge(*journals, key=lambda entry: entry.wall)), damaged  # each keeps its own order


def _lines(path: Path) -> list[bytes]:
    try:
        return [line for line in path.read_bytes().split(b"\n") if line]
    except OSError as error:
        raise ExeuntError(f"cannot read the journal {path}: {error.strerror or error}") from None


def _unknown(user: str, room: str | None, users: list[str]) -> str:
    where = f" in {room}" if room else ""
    known = f"it knows {', '.join(users)}" if users else "it knows nobody"
    return f"the journal knows no {user}{where}: {known}"


def _show(explanation: Explanation, *, json: bool) -> None:
    if json:
        print(msgspec.json.encode(explanation).decode(), flush=True)
        return
    console = PipedConsole(highlight=False)
    console.print(escape(explanation.sentence), soft_wrap=True)  # one line, for whoever searches
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for entry in explanation.evidence:
        stamp = f"{_clock(entry.wall)}.{int(entry.wall * 1000) % 1000:03}"
        table.add_row(*map(escape, (stamp, entry.who, entry.event, details(entry, _clock))))
    console.print(table)


def _clock(wall: float) -> str:
    """Return the time of day; with the date, if that is another."""
    moment = time.localtime(wall)
    is_today = moment[:3] == time.localtime()[:3]
    return time.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S", moment)
