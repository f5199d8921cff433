"""Log lines in which nothing of a user's can pass for something else, for people or, as JSON, for machines.

    {"time": "2026-05-01T12:00:00.125Z", "level": "info", "logger": "signaling.node", "text": "room 42: ana entered …",
     "room": "42", "user": "ana", "session": "Zk3…"}

One line for each record, whatever is in it: what is not printable is written as an escape, a traceback too.
"""

import logging
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

import msgspec

MOST = 8_000  # characters of a text or a traceback; what is longer is cut
SUBJECTS = ("room", "user", "session")  # keys of their own, where the record says what it is about

_encoder = msgspec.json.Encoder()


class LogFormat(StrEnum):
    """How log lines look."""

    TEXT = "text"
    JSON = "json"


class SafeLines(logging.Formatter):
    """Lines for people: time, level, logger, text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; a traceback follows on the same, escaped."""
        parts = [_time(record), record.levelname.lower(), f"{record.name}:", printable(record.getMessage())]
        if (trace := _trace(self, record)) is not None:
            parts.append(f"| {printable(trace)}")
        return " ".join(parts)


class JsonLines(logging.Formatter):
    """Lines for machines: one JSON object each, in UTF-8. The keys stay as they are."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        entry = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": _whole(record.getMessage()),
        }
        entry |= {name: _whole(str(getattr(record, name))) for name in SUBJECTS if hasattr(record, name)}
        if (trace := _trace(self, record)) is not None:
            entry["error"] = _whole(trace)
        return _harmless(_encoder.encode(entry).decode())


def set_up(form: LogFormat, level: int, stream: TextIO | None = None) -> None:
    """Have all that is logged written like this, to standard error if nothing else is said."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form is LogFormat.JSON else SafeLines())
    logging.basicConfig(level=level, handlers=[handler])


def printable(text: str) -> str:
    """Return a text in which everything that is not printable is an escape, as in a string of Python's; bounded."""
    cut = text[:MOST]
    return cut if cut.isprintable() else "".join(_escape(character) for character in cut)


def _escape(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()


def _whole(text: str) -> str:
    """Return a text that can be written as UTF-8: half a character has no form there."""
    return text[:MOST].encode(errors="backslashreplace").decode()


def _harmless(line: str) -> str:
    """Escape what JSON lets through and a terminal or a reader of lines does not: C1, line separators, directions."""
    return line if line.isprintable() else "".join(map(_as_json, line))


def _as_json(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    return formatter.formatException(record.exc_info) if record.exc_info else None
