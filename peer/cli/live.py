"""`--stats`: shows, every other second, what is sent to whom and how well it arrives."""

import asyncio

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from peer.cli.enduring import STATS_EVERY
from peer.cli.output import JsonLines, Lines, Output
from peer.cli.rows import Row, Rows, Stream
from peer.exit import ExitState
from peer.media.stats import OutboundRtpStats
from peer.participant import Participant
from peer.quality import Quality

COLOURS = ("dim", "green", "green", "yellow", "yellow", "red", "red")  # by grade
TITLES = ("user", "kind", "codec", "fps", "kbit/s", "loss", "rtt", "limited by", "quality")


class Display:
    """Shows the streams of one stay, from its making to the exit: a table on a terminal, else lines."""

    def __init__(self, output: Output, me: Participant) -> None:
        self._output, self._me = output, me
        self._rows = Rows()
        self._live: Live | None = None
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(STATS_EVERY, self._look)
        me.on_exit_room(lambda _: self.close())

    def close(self) -> None:
        """Show nothing more. May be called twice."""
        self._timer.cancel()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _look(self) -> None:
        if self._me.state is not ExitState.ACTIVE:
            return
        self._timer = self._loop.call_later(STATS_EVERY, self._look)
        streams = [_stream(one) for one in self._me.stats() if isinstance(one, OutboundRtpStats)]
        self._show(self._rows.look(streams, self._me.quality, self._loop.time()))

    def _show(self, rows: list[Row]) -> None:
        if isinstance(self._output, JsonLines):
            self._output.streams(rows)
        elif isinstance(self._output, Lines) and self._output.console.is_terminal:
            if self._live is None:
                self._live = Live(console=self._output.console, auto_refresh=False, transient=True)
                self._live.start()
            self._live.update(table(rows), refresh=True)
        else:
            for row in rows:
                self._output.fact(
                    "stats", ", ".join(f"{name} {text}" for name, text in zip(TITLES, words(row), strict=True))
                )


def words(row: Row) -> tuple[str, ...]:
    """Return the cells of a row."""
    return (
        row.user,
        row.kind,
        row.codec,
        _number(row.fps),
        _number(row.kbps),
        f"{row.loss:.1f} %",
        "-" if row.rtt is None else f"{row.rtt:.0f} ms",
        row.limitation,
        Quality(row.quality).name.lower().replace("_", " "),
    )


def table(rows: list[Row]) -> Table:
    """Return the rows as a table."""
    drawn = Table(*TITLES, box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for row in rows:
        *cells, quality = map(escape, words(row))
        drawn.add_row(*cells, f"[{COLOURS[row.quality]}]{quality}[/]")
    if not rows:
        drawn.add_row("[dim]nobody watches[/]")
    return drawn


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _stream(one: OutboundRtpStats) -> Stream:
    return Stream(
        user=one.user,
        kind=one.kind,
        ssrc=one.ssrc,
        codec=one.codec,
        frames=one.frames_sent,
        octets=one.bytes_sent,
        loss=one.fraction_lost,
        round_trip=one.round_trip_time,
        limitation=one.quality_limitation_reason,
    )
