"""No type is decoded that msgspec frees wrongly: a server could be ended by it whenever garbage is collected.

Such a type is a string with a pattern beside a list or an object, in msgspec 0.22: it takes the compiled pattern for
the list's type. Python's own debugging allocator tells at once. When `KnownToBeWrong` is no more, `OneName` of
signaling/admin/wire.py can go.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT = 300.0  # seconds
DECODE = """
import gc, importlib, os, pkgutil, sys, typing
import msgspec, peer, signaling

def status_of(structs):
    # Make their decoders in a process that ends: how did it?
    if (child := os.fork()) == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        for struct in structs:
            try:
                msgspec.json.Decoder(struct)
            except TypeError:
                pass  # not meant to be decoded
        sys.exit(0)
    return os.waitpid(child, 0)[1]

def say(structs):
    # Print each with its status; those who end well together do so alone.
    status = status_of(structs)
    if status == 0 or len(structs) == 1:
        for struct in structs:
            print(struct.__name__, status)
    else:
        half = len(structs) // 2
        say(structs[:half])
        say(structs[half:])

for package in (peer, signaling):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
name = typing.Annotated[str, msgspec.Meta(pattern="^a")]
known = msgspec.defstruct("KnownToBeWrong", [("user", name | list[str])])
say([kind for kind in gc.get_objects() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)])
"""


def test_every_decoder_is_freed_as_it_was_made() -> None:
    surroundings = {**os.environ, "PYTHONMALLOC": "debug"}
    run = subprocess.run(
        [sys.executable, "-c", DECODE],
        cwd=ROOT,
        env=surroundings,
        timeout=LIMIT,
        capture_output=True,
        text=True,
        check=False,
    )
    ended = [line.split() for line in run.stdout.splitlines()]
    assert len(ended) > 200, run.stderr
    assert {name for name, status in ended if status != "0"} == {"KnownToBeWrong"}
