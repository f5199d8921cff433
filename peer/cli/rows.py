"""What `exeunt publish --stats` shows: one row for each stream to each viewer. Pure."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from peer.quality import Quality


class Stream(Struct, frozen=True):
    """The counts of one stream at one look."""

    user: str
    kind: str
    ssrc: int
    codec: str
    frames: int
    octets: int
    loss: float  # part of the packets, as the viewer reports
    round_trip: float | None  # seconds
    limitation: str


class Row(Struct, frozen=True, rename="camel"):
    """One stream as it is shown; None: not known yet."""

    user: str
    kind: str
    codec: str
    fps: float | None
    kbps: float | None  # kbit a second
    loss: float  # percent
    rtt: float | None  # milliseconds
    limitation: str  # what holds the quality down: "none", "cpu", "bandwidth", "other"
    quality: int  # 0 (not known), 1 (excellent) to 6 (down)


class Rows:
    """Makes rates of the counts of two looks."""

    def __init__(self) -> None:
        self._before: dict[int, Stream] = {}
        self._at = 0.0

    def look(self, streams: Iterable[Stream], quality: Callable[[str], Quality], now: float) -> list[Row]:
        """Return a row for each stream, those of one viewer together."""
        before, seconds = self._before, now - self._at
        self._before, self._at = {stream.ssrc: stream for stream in streams}, now
        found = sorted(self._before.values(), key=lambda stream: (stream.user, stream.kind))
        return [_row(stream, before.get(stream.ssrc), seconds, int(quality(stream.user))) for stream in found]


def _row(stream: Stream, before: Stream | None, seconds: float, quality: int) -> Row:
    is_known = before is not None and seconds > 0
    return Row(
        user=stream.user,
        kind=stream.kind,
        codec=stream.codec,
        fps=round((stream.frames - before.frames) / seconds, 1) if before is not None and is_known else None,
        kbps=round((stream.octets - before.octets) * 8e-3 / seconds, 1) if before is not None and is_known else None,
        loss=round(stream.loss * 100, 1),
        rtt=None if stream.round_trip is None else round(stream.round_trip * 1000, 1),
        limitation=stream.limitation,
        quality=quality,
    )
