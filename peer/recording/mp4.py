"""MP4 in fragments (ISO/IEC 14496-12), so that the file is whole up to its last fragment at every moment. Pure.

The head has room left inside its `moov`: who comes late gets a track of the same file. How long a sample lasts is known
when the next of its track comes; until then it waits. At last comes a table of key frames, which lets players seek.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from peer.recording.boxes import MILLISECONDS, box, extends, free, full_box, movie_header, track
from peer.recording.form import Form, HeaderFull, Sample

HEAD_ROOM = 32 * 1024  # bytes of the moov: more than 45 tracks
USUAL_DURATIONS = {"video": 3000, "audio": 960}  # ticks of the last sample of a track
_EPOCH = 2_082_844_800  # seconds from 1904, where MP4's dates begin, to 1970
_KEY, _OTHER = 0x02000000, 0x01010000  # sample flags: needs no other; needs another and is no sync sample
_BASE_IS_MOOF = 0x020000
_RUN_FLAGS = 0x701  # offset of the samples; duration, size and flags of each


@dataclass(frozen=True, slots=True)
class _Run:
    """The samples of one track in one fragment, with the ticks that each lasts."""

    track: int
    begins: int  # ticks of the file: when the first sample of the track is shown
    samples: Sequence[Sample]
    durations: Sequence[int]

    @property
    def payload(self) -> bytes:
        return b"".join(sample.payload for sample in self.samples)


class Mp4:
    """One file. `began`: Unix time in seconds of its beginning."""

    def __init__(self, *, began: float = 0.0) -> None:
        self._created = int(began) + _EPOCH
        self._waiting: dict[int, Sample] = {}  # by track: the last one, whose length nobody knows
        self._keys: dict[int, list[tuple[int, int, int]]] = {}  # by track: time, offset and number inside the fragment
        self._count = 0  # fragments

    def head(self, forms: Sequence[Form], seconds: float, *, length: int | None = None) -> bytes:
        """Return `ftyp` and `moov`. Raises `HeaderFull`."""
        tracks = [track(number, form, self._created, seconds) for number, form in enumerate(forms, 1)]
        duration = full_box(b"mehd", struct.pack(">Q", round(seconds * MILLISECONDS)), version=1)
        fragments = box(b"mvex", duration, *(extends(number) for number in range(1, len(forms) + 1)))
        content = movie_header(self._created, seconds) + b"".join(tracks) + fragments
        if len(content) > HEAD_ROOM - 8:
            raise HeaderFull
        return box(b"ftyp", b"iso6", struct.pack(">I", 0), b"iso6mp41") + box(
            b"moov", content, free(HEAD_ROOM - len(content))
        )

    def part(self, samples: Sequence[Sample], forms: Sequence[Form], at: int) -> bytes:
        """Return a fragment with what is known to be complete; nothing if that is nothing."""
        by_track: dict[int, list[Sample]] = {number: [sample] for number, sample in self._waiting.items()}
        for sample in samples:
            by_track.setdefault(sample.track, []).append(sample)
        self._waiting = {number: row[-1] for number, row in by_track.items()}
        runs = [
            _Run(number, forms[number].begins, row[:-1], _durations(row))
            for number, row in sorted(by_track.items())
            if len(row) > 1
        ]
        return self._fragment(runs, at)

    def tail(self, forms: Sequence[Form], at: int) -> bytes:
        """Return the samples that waited, and where the key frames are."""
        runs = [
            _Run(number, forms[number].begins, [sample], [USUAL_DURATIONS[forms[number].kind]])
            for number, sample in sorted(self._waiting.items())
        ]
        self._waiting = {}
        last = self._fragment(runs, at)
        tables = [_random_access(number, keys) for number, keys in self._keys.items() if forms[number].kind == "video"]
        size = sum(map(len, tables)) + 8 + 16
        return last + box(b"mfra", *tables, full_box(b"mfro", struct.pack(">I", size)))

    def _fragment(self, runs: Sequence[_Run], at: int) -> bytes:
        if not runs:
            return b""
        self._count += 1
        self._note_keys(runs, at)
        length = len(self._moof(runs, 0))
        return self._moof(runs, length + 8) + box(b"mdat", *(run.payload for run in runs))

    def _moof(self, runs: Sequence[_Run], offset: int) -> bytes:
        """Return the `moof`; the samples begin `offset` bytes after it does."""
        tracks = []
        for run in runs:
            tracks.append(_track_fragment(run, offset))
            offset += len(run.payload)
        return box(b"moof", full_box(b"mfhd", struct.pack(">I", self._count)), *tracks)

    def _note_keys(self, runs: Sequence[_Run], at: int) -> None:
        for place, run in enumerate(runs, 1):
            for number, sample in enumerate(run.samples, 1):
                if sample.is_key:
                    self._keys.setdefault(run.track, []).append((sample.at - run.begins, at, place << 16 | number))
                    break  # one for each fragment is enough


def _durations(row: Sequence[Sample]) -> list[int]:
    return [following.at - sample.at for sample, following in pairwise(row)]


def _track_fragment(run: _Run, offset: int) -> bytes:
    entries = b"".join(
        struct.pack(">III", duration, len(sample.payload), _KEY if sample.is_key else _OTHER)
        for sample, duration in zip(run.samples, run.durations, strict=True)
    )
    return box(
        b"traf",
        full_box(b"tfhd", struct.pack(">I", run.track + 1), flags=_BASE_IS_MOOF),
        full_box(b"tfdt", struct.pack(">Q", run.samples[0].at - run.begins), version=1),
        full_box(b"trun", struct.pack(">Ii", len(run.samples), offset), entries, flags=_RUN_FLAGS),
    )


def _random_access(number: int, keys: Sequence[tuple[int, int, int]]) -> bytes:
    entries = (struct.pack(">QQHBH", at, offset, place >> 16, 1, place & 0xFFFF) for at, offset, place in keys)
    widths = 1 << 4 | 0 << 2 | 1  # bytes, less one, of the numbers of track fragment, run and sample
    return full_box(b"tfra", struct.pack(">III", number + 1, widths, len(keys)), *entries, version=1)
