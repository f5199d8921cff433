"""Looks for what breaks the decoder or the cores (needs the package atheris, which is not among the dependencies).

    python -m tests.fuzz.fuzz tests/fuzz/corpus -max_total_time=1200 -max_len=4096

What it finds is kept as a file of the corpus, and replayed by `test_corpus.py` from then on.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["signaling", "tests.fuzz.target"]):
    from tests.fuzz.target import TYPES, play

WORDS = [
    "room",
    "user",
    "call",
    "sdp",
    "extra",
    "resume",
    "session",
    "secret",
    "seq",
    "token",
    "kind",
    "topic",
    "data",
    "to",
]


def main() -> None:
    """Fuzz until something breaks or the time is over."""
    with tempfile.TemporaryDirectory() as folder:
        words = Path(folder, "words")
        words.write_text("".join(f'"\\"{word}\\""\n' for word in [*TYPES, *WORDS]))
        atheris.Setup([*sys.argv, f"-dict={words}"], play)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
