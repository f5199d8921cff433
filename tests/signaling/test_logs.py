"""Log lines hold what hostile clients say, and are still lines."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, strategies as st

from signaling.logs import MOST, JsonLines, LogFormat, SafeLines, printable, set_up

HOSTILE = [
    "ana\n2026-05-01 info signaling.node: room 42: admin entered",
    "ana\r\x1b[2J\x1b[1;31mALL IS LOST",
    '", "level": "error", "x": "',
    "\x00\x07\x7f\x9b31m",
    "\u2028\u2029\u202enimda",
    "\ud800",
    "🎉 ünï",
]


def record(text: str, **more: str) -> logging.LogRecord:
    made = logging.LogRecord("signaling.node", logging.INFO, "", 0, "room %s", (text,), None)
    made.__dict__.update(more)
    return made


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_of_text_stays_one_printable_line(text: str) -> None:
    line = SafeLines().format(record(text))
    assert line.isprintable()
    assert " info signaling.node: room " in line
    line.encode()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_of_json_stays_one_object_with_the_same_keys(text: str) -> None:
    line = JsonLines().format(record(text, room=text, user=text, session=text))
    assert line.isprintable()
    entry = json.loads(line)
    assert list(entry) == ["time", "level", "logger", "text", "room", "user", "session"]
    assert entry["level"] == "info"
    if text.isascii() or text.startswith("🎉"):
        assert (entry["text"], entry["user"]) == (f"room {text}", text)


@given(st.text(st.characters(), max_size=60))
def test_whatever_is_logged_can_be_read_back(text: str) -> None:
    line = JsonLines().format(record(text))
    assert line.isprintable()
    assert "\n" not in line
    json.loads(line.encode())
    assert SafeLines().format(record(text)).isprintable()


def test_what_is_printable_is_left_as_it_is() -> None:
    assert printable("🎉 ünï 'x' \\n") == "🎉 ünï 'x' \\n"
    assert printable("a\nb\x1b") == "a\\nb\\x1b"


def test_a_very_long_text_is_cut() -> None:
    assert len(SafeLines().format(record("x" * 100_000))) < MOST + 100
    assert len(json.loads(JsonLines().format(record("x" * 100_000)))["text"]) == MOST


def fail() -> None:
    raise ValueError("first\nsecond")


@contextmanager
def logging_anew() -> Iterator[logging.Logger]:
    """As in a program that has just begun: pytest has handlers of its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield root
    finally:
        root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("form", LogFormat)
def test_a_traceback_is_on_the_line_of_its_record(form: LogFormat) -> None:
    stream = io.StringIO()
    with logging_anew() as root:
        set_up(form, logging.INFO, stream)
        try:
            fail()
        except ValueError:
            root.exception("it failed")
        root.debug("is not asked for")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError" in line
    assert "second" in line
    if form is LogFormat.JSON:
        assert json.loads(line)["error"].endswith("ValueError: first\nsecond")
