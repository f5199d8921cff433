"""Writes a y4m film into a named pipe again and again, as one film: `python -m bench.publishing.feeder FILM PIPE`.

What reads the pipe has a camera that never ends; what writing costs is not the reader's.
"""

import fcntl
import sys
from io import FileIO
from pathlib import Path

PIPE_SIZE = 1 << 20  # bytes: a picture in two or three turns


def main(film: str, pipe: str) -> None:
    """Write until nobody reads."""
    content = memoryview(Path(film).read_bytes())
    begin = bytes(content[:1000]).index(b"\n") + 1
    try:
        with Path(pipe).open("wb", buffering=0) as file:
            fcntl.fcntl(file, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
            _write(file, content[:begin])
            while True:
                _write(file, content[begin:])
    except BrokenPipeError:
        return


def _write(file: FileIO, content: memoryview) -> None:
    while content:
        content = content[file.write(content) :]


if __name__ == "__main__":
    main(*sys.argv[1:])
