"""No file of ours is longer than 400 lines: `make check` runs this."""

import sys
from pathlib import Path

LIMIT = 400  # lines
FOLDERS = ("peer", "signaling", "tests", "examples", "bench")
SUFFIXES = {".py", ".js", ".css", ".html", ".c"}


def main() -> int:
    """Name every file that is too long; return how many there are."""
    files = [path for folder in FOLDERS for path in Path(folder).rglob("*") if path.suffix in SUFFIXES]
    lengths = {path: len(path.read_text().splitlines()) for path in files}
    too_long = {path: length for path, length in lengths.items() if length > LIMIT}
    for path, length in too_long.items():
        print(f"{path} has {length} lines; at most {LIMIT} are allowed")
    return len(too_long)


if __name__ == "__main__":
    sys.exit(main())
