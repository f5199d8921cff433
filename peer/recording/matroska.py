"""Matroska and WebM (RFC 9559), written so that the file is whole up to its last cluster at every moment. Pure.

The head has room left inside its list of tracks: who comes late gets a track of the same file. It also says how long
the file is so far. At last come the cues, which let players seek; without them players search.
"""

from collections.abc import Iterator, Sequence

from peer.recording import ebml
from peer.recording.form import PRE_SKIP, Form, HeaderFull, Sample, seconds

TRACKS_ROOM = 16 * 1024  # bytes for the list of tracks: more than 80 of them
LONGEST_CLUSTER = 10.0  # seconds; times in a cluster are 16 bits of milliseconds
CUE_EVERY = 2.0  # seconds at least from one cue to the next
APPLICATION = "Exeunt"
_MILLISECOND = 1_000_000  # nanoseconds
_EPOCH = 978_307_200  # seconds from 1970 to 2001, where Matroska's dates begin
_CODECS = {"vp8": "V_VP8", "h264": "V_MPEG4/ISO/AVC", "opus": "A_OPUS"}
_TYPES = {"video": 1, "audio": 2}
_OPUS_HEAD = b"OpusHead" + bytes((1, 2)) + PRE_SKIP.to_bytes(2, "little") + (48_000).to_bytes(4, "little") + bytes(3)
_SEEK_PRE_ROLL = 80 * _MILLISECOND  # what Opus decodes before it is right again (RFC 7845, section 4.6)
_HEADER, _SEGMENT, _SEEK_HEAD, _INFO = 0x1A45DFA3, 0x18538067, 0x114D9B74, 0x1549A966
_TRACKS, _CLUSTER, _CUES = 0x1654AE6B, 0x1F43B675, 0x1C53BB6B
_KEY = 0x80  # flag of a block


class Matroska:
    """One file. `began`: Unix time in seconds of its beginning."""

    def __init__(self, *, is_webm: bool, began: float = 0.0) -> None:
        self._doc_type = "webm" if is_webm else "matroska"
        self._began = int((began - _EPOCH) * 1000) * _MILLISECOND
        self._cues: list[tuple[int, int, int]] = []  # milliseconds, number of the track, offset of the cluster
        self._cues_at: int | None = None

    def head(self, forms: Sequence[Form], seconds: float, *, length: int | None = None) -> bytes:
        """Return the head. Raises `HeaderFull`."""
        front = self._front(length)
        info = self._info(seconds)
        tracks_at = len(self._seek_head(0, 0)) + len(info)
        seek_head = self._seek_head(tracks_at - len(info), tracks_at)
        return front + seek_head + info + _tracks(forms)

    def part(self, samples: Sequence[Sample], forms: Sequence[Form], at: int) -> bytes:
        """Return the samples as clusters, in the order of their times."""
        clusters: list[bytes] = []
        for group in _groups(sorted(samples, key=lambda sample: seconds(sample, forms)), forms):
            self._note_cue(group, forms, at + sum(map(len, clusters)) - self._base)
            clusters.append(_cluster(group, forms))
        return b"".join(clusters)

    def tail(self, forms: Sequence[Form], at: int) -> bytes:
        """Return the cues."""
        if not self._cues:
            return b""
        self._cues_at = at - self._base
        return ebml.element(_CUES, *(_cue(*cue) for cue in self._cues))

    @property
    def _base(self) -> int:
        """Where the segment begins: positions are counted from there."""
        return len(self._front(None))

    def _front(self, length: int | None) -> bytes:
        header = ebml.element(
            _HEADER,
            *(ebml.unsigned(identifier, value) for identifier, value in ((0x4286, 1), (0x42F7, 1), (0x42F2, 4))),
            ebml.unsigned(0x42F3, 8),
            ebml.text(0x4282, self._doc_type),
            ebml.unsigned(0x4287, 4),  # CodecDelay and SeekPreRoll
            ebml.unsigned(0x4285, 2),
        )
        start = len(header) + len(ebml.identity(_SEGMENT)) + ebml.SIZE_BYTES
        size = ebml.UNKNOWN_SIZE if length is None else ebml.size(length - start, ebml.SIZE_BYTES)
        return header + ebml.identity(_SEGMENT) + size

    def _seek_head(self, info_at: int, tracks_at: int) -> bytes:
        cues = _seek(_CUES, self._cues_at or 0)
        return ebml.element(
            _SEEK_HEAD,
            _seek(_INFO, info_at),
            _seek(_TRACKS, tracks_at),
            ebml.void(len(cues)) if self._cues_at is None else cues,
        )

    def _info(self, seconds: float) -> bytes:
        return ebml.element(
            _INFO,
            ebml.unsigned(0x2AD7B1, _MILLISECOND),
            ebml.real(0x4489, seconds * 1000),
            ebml.signed(0x4461, self._began),
            ebml.text(0x4D80, APPLICATION),
            ebml.text(0x5741, APPLICATION),
        )

    def _note_cue(self, samples: Sequence[Sample], forms: Sequence[Form], position: int) -> None:
        """Remember a place where decoding can begin, unless the last one is near."""
        best = "video" if any(form.kind == "video" for form in forms) else "audio"
        keys = (sample for sample in samples if sample.is_key and forms[sample.track].kind == best)
        key = next(keys, None)
        if key is None:
            return
        at = _milliseconds(key, forms)
        if not self._cues or at - self._cues[-1][0] >= CUE_EVERY * 1000:
            self._cues.append((at, key.track + 1, position))


def _tracks(forms: Sequence[Form]) -> bytes:
    """Return the list of tracks, always of the same length. Raises `HeaderFull`."""
    entries = b"".join(_track(number, form, forms) for number, form in enumerate(forms, 1))
    room = TRACKS_ROOM - len(entries)
    if room < ebml.SIZE_BYTES + 1:
        raise HeaderFull
    return ebml.element(_TRACKS, entries, ebml.void(room))


def _track(number: int, form: Form, forms: Sequence[Form]) -> bytes:
    is_first = all(other.kind != form.kind for other in forms[: number - 1])
    return ebml.element(
        0xAE,
        ebml.unsigned(0xD7, number),
        ebml.unsigned(0x73C5, number),
        ebml.unsigned(0x83, _TYPES[form.kind]),
        ebml.unsigned(0x88, int(is_first)),  # what players choose by themselves
        ebml.unsigned(0x9C, 0),  # no lacing
        ebml.text(0x22B59C, "und"),
        ebml.text(0x536E, form.name),
        ebml.text(0x86, _CODECS[form.codec]),
        *(_picture(form) if form.kind == "video" else _sound()),
    )


def _picture(form: Form) -> Iterator[bytes]:
    if form.private:
        yield ebml.element(0x63A2, form.private)
    yield ebml.element(0xE0, ebml.unsigned(0xB0, form.width), ebml.unsigned(0xBA, form.height))


def _sound() -> Iterator[bytes]:
    yield ebml.element(0x63A2, _OPUS_HEAD)
    yield ebml.unsigned(0x56AA, PRE_SKIP * 1_000_000_000 // 48_000)
    yield ebml.unsigned(0x56BB, _SEEK_PRE_ROLL)
    yield ebml.element(0xE1, ebml.real(0xB5, 48_000.0), ebml.unsigned(0x9F, 2))


def _groups(samples: Sequence[Sample], forms: Sequence[Form]) -> Iterator[list[Sample]]:
    """Cut samples, at least one, in the order of their times, into what one cluster can hold."""
    group: list[Sample] = []
    for sample in samples:
        if group and seconds(sample, forms) - seconds(group[0], forms) > LONGEST_CLUSTER:
            yield group
            group = []
        group.append(sample)
    yield group


def _cluster(samples: Sequence[Sample], forms: Sequence[Form]) -> bytes:
    begin = _milliseconds(samples[0], forms)
    blocks = (_block(sample, _milliseconds(sample, forms) - begin) for sample in samples)
    return ebml.element(_CLUSTER, ebml.unsigned(0xE7, begin), *blocks)


def _block(sample: Sample, after: int) -> bytes:
    head = ebml.size(sample.track + 1) + after.to_bytes(2, "big", signed=True)
    return ebml.element(0xA3, head, bytes((_KEY if sample.is_key else 0,)), sample.payload)


def _milliseconds(sample: Sample, forms: Sequence[Form]) -> int:
    return sample.at * 1000 // forms[sample.track].rate


def _seek(identifier: int, position: int) -> bytes:
    return ebml.element(
        0x4DBB, ebml.element(0x53AB, ebml.identity(identifier)), ebml.unsigned(0x53AC, position, ebml.SIZE_BYTES)
    )


def _cue(at: int, track: int, position: int) -> bytes:
    place = ebml.element(0xB7, ebml.unsigned(0xF7, track), ebml.unsigned(0xF1, position))
    return ebml.element(0xBB, ebml.unsigned(0xB3, at), place)
