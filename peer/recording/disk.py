"""Files as a recording needs them: never one that is there already, and whole up to the last thing that was written."""

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from peer.recording.reel import Patch

MOST_NUMBERS = 10_000  # of one name
WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota on the disk is used up",
    errno.EFBIG: "the file may not grow any more",
    errno.EACCES: "permission to write there is denied",
    errno.EROFS: "the disk is read-only",
    errno.ENOENT: "its folder is gone",
    errno.ENAMETOOLONG: "the name is too long for a file",
}


class OutputFile(Protocol):
    """A file that is written at offsets."""

    path: Path

    def write(self, patches: Iterable[Patch]) -> None:
        """Write them in their order. Raises `OSError`; the file then ends where it did before."""

    def close(self) -> None:
        """Close it. May be called twice."""


class DiskFile:
    """A new file on a disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._length = 0  # bytes that are written for good
        self._is_open = True

    def write(self, patches: Iterable[Patch]) -> None:
        """Write them. Raises `OSError`, also if somebody has removed the file: nobody would find it again."""
        length = self._length
        try:
            for patch in patches:
                self._write(patch)
                length = max(length, patch.offset + len(patch.content))
        except OSError:
            with suppress(OSError):  # nothing more can be done for it
                os.ftruncate(self._handle, self._length)
            raise
        self._length = length
        if not self._is_there():
            raise OSError(errno.ESTALE, "the file was removed")

    def close(self) -> None:
        """Close it. May be called twice."""
        if self._is_open:
            self._is_open = False
            os.close(self._handle)

    def _write(self, patch: Patch) -> None:
        rest, offset = memoryview(patch.content), patch.offset
        while rest:
            count = os.pwrite(self._handle, rest, offset)
            rest, offset = rest[count:], offset + count

    def _is_there(self) -> bool:
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._handle))


def create(path: Path) -> DiskFile:
    """Make a new file of this name, or of the next free one: room.mkv, room-2.mkv, room-3.mkv. Raises `OSError`."""
    for number in range(1, MOST_NUMBERS):
        name = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        with suppress(FileExistsError):
            return DiskFile(name)
    raise FileExistsError(errno.EEXIST, f"{MOST_NUMBERS} files of this name are there already")


def words(error: OSError) -> str:
    """Say what is wrong with a disk."""
    return WORDS.get(error.errno or 0) or str(error.strerror or error).lower()
