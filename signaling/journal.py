"""An event journal: what happened, in a file, one JSON line for each event. For servers and peers alike.

    with Journal.open("events.jsonl", who="peer lobby/ana") as journal:
        journal.write("leaving", reason=Reason.KICKED, text="too loud")

Every line is one `write` to a file opened for appending: several processes may share it, and what was written outlives
the death of the writer. Nothing here blocks or fails the program: what cannot be written is lost, with one warning.
"""

import io
import logging
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Unpack

import msgspec

from signaling.entry import Facts, Happening, encode_entry, facts_of

MODE = 0o640  # of a new journal: it names who was where, and when

log = logging.getLogger(__name__)


class Journal:
    """The journal of one node. Without a file it writes nothing. May be used from any thread.

    `session` is ours, once it is known: it stands on every line that names no other.
    """

    def __init__(self, file: io.FileIO | None = None, *, who: str = "") -> None:
        self.session: str | None = None
        self._file = file
        self._who = who
        self._is_torn = file is not None and _ends_torn(file)
        self._is_warned = False

    @classmethod
    def open(cls, path: str | Path | None, *, who: str) -> "Journal":
        """Open a file to append to; `who` is "server" or "peer ROOM/USER". A file that cannot be is a warning."""
        try:
            return cls(None if path is None else open_file(path), who=who)
        except OSError as error:
            log.warning("no journal: %s", error)
            return cls(who=who)

    def write(self, event: Happening, facts: Facts | None = None, /, **more: Unpack[Facts]) -> None:
        """Write down that something happened, at this moment."""
        self._write(event, {**(facts or {}), **more})

    def tell(self, message: msgspec.Struct, facts: Facts | None = None, /, **more: Unpack[Facts]) -> None:
        """Write down an event or message under its name on the wire, with what may be known of it."""
        self._write(str(message.__struct_config__.tag), {**facts_of(message), **(facts or {}), **more})

    def close(self) -> None:
        """Close the file. What is written afterwards is lost without a word."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, event: str, facts: Facts) -> None:
        file = self._file
        if file is None:
            return
        if self.session is not None and facts.get("session") is None:
            facts["session"] = self.session
        try:
            self._append(file, encode_entry(time.monotonic(), time.time(), self._who, event, facts))
        except (OSError, ValueError, TypeError) as error:  # ValueError: closed meanwhile, or not to be encoded
            self._warn(error)

    def _append(self, file: io.FileIO, line: bytes) -> None:
        """Write a whole line, or leave it to the next to begin a new one."""
        line = b"\n" + line if self._is_torn else line
        written = file.write(line)
        self._is_torn = written != len(line) if written else self._is_torn
        if written != len(line):
            raise OSError("the file takes no more")

    def _warn(self, error: Exception) -> None:
        if not self._is_warned:
            self._is_warned = True
            log.warning("%s: events are missing from the journal: %s", self._who, error)


def open_file(path: str | Path) -> io.FileIO:
    """Open a journal's file to append to. Raises `OSError`."""
    # Without O_NONBLOCK a pipe that nobody reads would stop us.
    return io.FileIO(path, "a+", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK, MODE))


def _ends_torn(file: io.FileIO) -> bool:
    """Whether the last line has no end: whoever wrote it lost the power, or the disk was full."""
    size = os.fstat(file.fileno()).st_size
    return size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"
