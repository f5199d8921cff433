"""What each codec's frames say of themselves, and how files want them. Pure."""

from dataclasses import replace
from typing import Protocol

from peer.recording.annexb import configuration, is_parameter_set, picture_size, units, with_lengths
from peer.recording.form import Form

_VP8_START_CODE = b"\x9d\x01\x2a"  # RFC 6386, section 9.1
_VP8_SIZE = 0x3FFF  # 14 bits; the other two are a scale that nobody follows


class Coder(Protocol):
    """Makes the frames of one track into what a file holds."""

    form: Form

    def convert(self, payload: bytes) -> bytes:
        """Return a frame as it is written; an empty one if there is nothing to write."""


class Plain:
    """VP8 and Opus: files hold what goes over the wire."""

    def __init__(self, form: Form) -> None:
        self.form = form

    def convert(self, payload: bytes) -> bytes:
        """Return the frame as it is."""
        return payload


class H264:
    """H.264: lengths in the place of start codes; parameter sets in the head of the file.

    Once they change (another size, another encoder) they stay in the stream, before each picture that needs them.
    """

    def __init__(self, form: Form, record: bytes) -> None:
        self.form = replace(form, private=record)
        self._keeps_sets = False

    def convert(self, payload: bytes) -> bytes:
        """Return a picture for a file; an empty one if it holds parameter sets alone, and those of the head."""
        pieces = units(payload)
        record = configuration(pieces)
        self._keeps_sets = self._keeps_sets or (record is not None and record != self.form.private)
        return with_lengths([unit for unit in pieces if self._keeps_sets or not is_parameter_set(unit)])


def coder_of(codec: str, payload: bytes, name: str) -> Coder | None:
    """Return what takes a track from this frame on; None if a track cannot begin with it."""
    if codec == "opus":
        return Plain(Form("audio", codec, name))
    if codec == "vp8":
        size = _vp8_size(payload)
        return None if size is None else Plain(Form("video", codec, name, *size))
    return _h264_coder(payload, name) if codec == "h264" else None


def picture_dimensions(codec: str, payload: bytes) -> tuple[int, int] | None:
    """Return (width, height) in pixels that a key frame has; None if it does not say."""
    return _vp8_size(payload) if codec == "vp8" else picture_size(units(payload))


def _h264_coder(payload: bytes, name: str) -> H264 | None:
    pieces = units(payload)
    record, size = configuration(pieces), picture_size(pieces)
    return None if record is None or size is None else H264(Form("video", "h264", name, *size), record)


def _vp8_size(frame: bytes) -> tuple[int, int] | None:
    """Return the size that a key frame says; None for another frame."""
    if len(frame) < 10 or frame[0] & 1 or frame[3:6] != _VP8_START_CODE:
        return None
    width, height = (int.from_bytes(frame[at : at + 2], "little") & _VP8_SIZE for at in (6, 8))
    return (width, height) if width and height else None
