"""The thread that writes: takes frames from the backlog, at most a second later they are in the file."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from peer.events import RecordingEnded, RecordingFailed, RecordingStarted
from peer.recording.backlog import Backlog, Entry
from peer.recording.containers import make
from peer.recording.disk import OutputFile, create, words
from peer.recording.reel import Reel, TrackLength

FLUSH_EVERY = 0.8  # seconds: what a crash loses, and a little
Happening = RecordingStarted | RecordingEnded | RecordingFailed
log = logging.getLogger(__name__)


class Prepare(Protocol):
    """Makes other entries of those that come."""

    def __call__(self, entries: Iterable[Entry], *, is_over: bool) -> Iterable[Entry]:
        """Return what is to be written now."""


class Writer:
    """Writes to one file, or to one for each name that entries give.

    `path_of` tells the path for such a name, `container` what is written. `tell` is called in the thread with what
    happens, at the very end with None. `open_file` makes a new file, by another name if that one is taken. `prepare` is
    what is done to entries before; it is called at least every second, and the last time with `is_over`.
    """

    def __init__(
        self,
        path_of: Callable[[str], Path],
        container: str,
        *,
        most: int,
        tell: Callable[[Happening | None], None],
        open_file: Callable[[Path], OutputFile] = create,
        prepare: Prepare | None = None,
    ) -> None:
        self.tracks: tuple[TrackLength, ...] = ()  # of the files that are written at the moment; replaced as a whole
        self._path_of, self._container, self._open_file = path_of, container, open_file
        self._backlog = Backlog(most)
        self._tell = tell
        self._prepare = prepare
        self._is_given_up = False
        self._files: dict[str, _File] = {}
        self._thread = threading.Thread(target=self._run, name="exeunt recorder", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, entry: Entry) -> bool:
        """Have a frame written; returns at once. False: too much waits for the disk already, or writing has ended."""
        return self._backlog.put(entry)

    def close(self) -> None:
        """Write what waits, finish the files, end."""
        self._backlog.close()

    def give_up(self) -> None:
        """End as soon as the disk answers, without another word: nobody waits for us any more."""
        self._is_given_up = True
        self._backlog.close()

    def _run(self) -> None:
        try:
            self._write_all()
        except OSError as error:
            self._fail(error)
        except Exception as error:  # a defect of ours must not look like a recording that goes on
            log.exception("the recorder has failed")
            self._fail(OSError(0, repr(error)))
        finally:
            self._backlog.close()
            for file in self._files.values():
                file.close()
            self._say(None)

    def _write_all(self) -> None:
        due = time.monotonic() + FLUSH_EVERY
        is_over = False
        while not is_over and not self._is_given_up:
            entries, is_over = self._backlog.take(max(due - time.monotonic(), 0.0))
            for entry in entries if self._prepare is None else self._prepare(entries, is_over=is_over):
                self._take(entry)
            if time.monotonic() >= due:
                due = time.monotonic() + FLUSH_EVERY
                self._flush()
        for file in tuple(self._files.values()):
            self._finish(file)

    def _take(self, entry: Entry) -> None:
        file = self._files.get(entry.file) or self._new(entry.file)
        if not file.reel.take(entry.user, entry.frame):
            self._finish(file)
            self._new(entry.file).reel.take(entry.user, entry.frame)

    def _new(self, name: str) -> "_File":
        file = self._files[name] = _File(self._path_of(name), Reel(make(self._container, time.time())))
        return file

    def _flush(self) -> None:
        for file in self._files.values():
            if file.reel.has_begun:
                self._open(file).write(file.reel.flush())
        self._count()

    def _count(self) -> None:
        self.tracks = tuple(track for file in self._files.values() for track in file.reel.tracks())

    def _finish(self, file: "_File") -> None:
        if not file.reel.has_begun or self._is_given_up:
            return
        output = self._open(file)
        output.write(file.reel.finish())
        output.close()
        self._count()
        self._say(RecordingEnded(path=str(output.path), seconds=round(file.reel.seconds, 3), size=file.reel.length))

    def _open(self, file: "_File") -> OutputFile:
        if file.output is None:
            file.output = self._open_file(file.path)
            self._say(RecordingStarted(path=str(file.output.path)))
        return file.output

    def _fail(self, error: OSError) -> None:
        path = next((str(file.output.path) for file in self._files.values() if file.output), str(self._path_of("")))
        self._say(RecordingFailed(path=path, text=words(error)))

    def _say(self, happening: Happening | None) -> None:
        if not self._is_given_up:
            self._tell(happening)


class _File:
    """A reel, and the file that it is written to as soon as it has begun."""

    def __init__(self, path: Path, reel: Reel) -> None:
        self.path, self.reel = path, reel
        self.output: OutputFile | None = None

    def close(self) -> None:
        if self.output is not None:
            self.output.close()
