"""Boxes of MP4, as bytes (ISO/IEC 14496-12). Pure."""

import struct

from peer.recording.form import PRE_SKIP, Form

MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)  # no turning
LANGUAGE = 0x55C4  # "und"
MILLISECONDS = 1000  # the clock of the whole file, ticks per second
_ENABLED = 3  # flags of a track: enabled, in the movie
_SELF_CONTAINED = 1  # flag of a data reference: the media are in this file
_HANDLERS = {"video": b"vide", "audio": b"soun"}
_RESOLUTION = 0x480000  # 72 dots per inch, as all files say


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box that holds `parts`, one after the other."""
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def full_box(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Return a box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def movie_header(created: int, seconds: float) -> bytes:
    """Return the `mvhd`; `created`: seconds since 1904."""
    fields = struct.pack(">4I", created, created, MILLISECONDS, round(seconds * MILLISECONDS))
    return full_box(
        b"mvhd", fields, struct.pack(">IH10x", 0x10000, 0x100), MATRIX, bytes(24), struct.pack(">I", 2**32 - 1)
    )


def track(number: int, form: Form, created: int, seconds: float) -> bytes:
    """Return the `trak` of a track whose samples are all in fragments."""
    is_sound = form.kind == "audio"
    header = full_box(
        b"tkhd",
        struct.pack(">5I8x", created, created, number, 0, round(seconds * MILLISECONDS)),
        struct.pack(">4H", 0, int(is_sound), 0x100 if is_sound else 0, 0),
        MATRIX,
        struct.pack(">II", form.width << 16, form.height << 16),
        flags=_ENABLED,
    )
    media = box(
        b"mdia",
        full_box(b"mdhd", struct.pack(">4IHH", created, created, form.rate, 0, LANGUAGE, 0)),
        full_box(b"hdlr", struct.pack(">I4s12x", 0, _HANDLERS[form.kind]), form.name.encode() + b"\0"),
        box(b"minf", _media_header(form), _nothing_elsewhere(), _sample_table(form)),
    )
    return box(b"trak", header, _edits(form), media)


def extends(number: int) -> bytes:
    """Return the `trex` of a track: its samples come in fragments."""
    return full_box(b"trex", struct.pack(">5I", number, 1, 0, 0, 0))


def free(length: int) -> bytes:
    """Return a box of `length` bytes, at least 8, that says nothing: room for what comes later."""
    return box(b"free", bytes(length - 8))


def _edits(form: Form) -> bytes:
    """Say when the track begins, and that the first samples of Opus are not meant to be heard."""
    skipped = PRE_SKIP if form.kind == "audio" else 0
    pause = struct.pack(">IiI", round(form.begins * MILLISECONDS / form.rate), -1, 0x10000)
    rest = struct.pack(">IiI", 0, skipped, 0x10000)  # 0: as long as it is
    edits = [pause, rest] if form.begins else [rest]
    return box(b"edts", full_box(b"elst", struct.pack(">I", len(edits)), *edits))


def _media_header(form: Form) -> bytes:
    if form.kind == "audio":
        return full_box(b"smhd", bytes(4))
    return full_box(b"vmhd", bytes(8), flags=1)


def _nothing_elsewhere() -> bytes:
    return box(b"dinf", full_box(b"dref", struct.pack(">I", 1), full_box(b"url ", flags=_SELF_CONTAINED)))


def _sample_table(form: Form) -> bytes:
    empty = [full_box(kind, bytes(4)) for kind in (b"stts", b"stsc", b"stco")]
    entry = _sound_entry() if form.kind == "audio" else _picture_entry(form)
    return box(
        b"stbl",
        full_box(b"stsd", struct.pack(">I", 1), entry),
        empty[0],
        empty[1],
        full_box(b"stsz", bytes(8)),
        empty[2],
    )


def _picture_entry(form: Form) -> bytes:
    return box(
        b"avc1",
        struct.pack(">6xH16x", 1),
        struct.pack(">HHIIIH", form.width, form.height, _RESOLUTION, _RESOLUTION, 0, 1),
        bytes(32),
        struct.pack(">Hh", 24, -1),
        box(b"avcC", form.private),
    )


def _sound_entry() -> bytes:
    """Return the entry of Opus, as its encapsulation in ISO files says (version 0.6.8, section 4.3)."""
    specific = box(b"dOps", struct.pack(">BBHIhB", 0, 2, PRE_SKIP, 48_000, 0, 0))
    return box(b"Opus", struct.pack(">6xH8x", 1), struct.pack(">HHHHI", 2, 16, 0, 0, 48_000 << 16), specific)
