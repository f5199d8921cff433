"""The file in which a server that ends leaves its rooms to the one that is started next.

It holds secrets of sessions: only its owner can read it. It is written whole or not at all, and gone once it was read.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

MODE_OF_OTHERS = 0o077  # of whoever is not the owner
MAX_SIZE = 256 * 1024 * 1024  # bytes


def write(path: Path, text: bytes) -> None:
    """Write the file. Raises `OSError`, and then leaves what was there before."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # for its owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def take(path: Path) -> bytes | None:
    """Return what is in the file and remove it; `None` if there is none. Raises `OSError`.

    A file that others could have written is not believed: with it they would be whoever they want.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid() or status.st_mode & MODE_OF_OTHERS:
            raise PermissionError(f"{path} is not a file of ours alone")
        text = file.read(MAX_SIZE + 1)
    path.unlink()
    if len(text) > MAX_SIZE:
        raise OSError(f"{path} is larger than any that we would write")
    return text


def check(path: Path) -> None:
    """Raise `OSError` unless a file can be written there."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    Path(name).unlink()
