"""Finds out which hardware encoders really work here, in a process that is started for it.

Drivers hang, crash and print. None of that concerns us there: it has a deadline, and its output is ours alone.
"""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache

import av
import av.logging

from peer.capture.spawn import can_spawn
from peer.media.encoders.hardware import MODELS, HardwareEncoder, Model

LIMIT = 10.0  # seconds for all encoders together, with the start of the process
REAP_LIMIT = 1.0  # seconds for a process to end that was killed
FRAMES = 4  # until one has to have come out: some hardware works in the background
FPS, BITRATE = 30, 1_000_000
SEQUENCE_PARAMETERS = 7  # type of NAL unit

# Isolated from variables and folders that could change what is imported; then the modules are found where ours were.
BOOTSTRAP = "import sys; sys.path[:] = sys.argv[2:]; from peer.media.encoders.trial import main; main(sys.argv[1])"


@cache
def failures(names: tuple[str, ...], size: tuple[int, int]) -> dict[str, str]:
    """Try hardware encoders, in order, until one works. Return why those before it, or all, do not."""
    found = {name: "is not in this build of FFmpeg" for name in names if name not in av.codecs_available}
    present = [name for name in names if name not in found]
    report = _report_of(present, size) if present else ""
    told = dict(line.split("\t", 1) for line in report.splitlines() if "\t" in line)
    for name in present:
        found[name] = told.get(name, f"did not answer within {LIMIT:.0f} s")
        if not found[name]:
            del found[name]
            break
    return found


def main(request: str) -> None:
    """Try the encoders named in the request, in the process started for it; print a line for each."""
    width, height, *names = request.split()
    av.logging.set_level(av.logging.ERROR)
    for model in sorted((model for model in MODELS if model.name in names), key=lambda model: names.index(model.name)):
        failure = failure_of(model, (int(width), int(height)))
        sys.stdout.write(f"{model.name}\t{failure}\n")
        sys.stdout.flush()
        if not failure:
            break


def failure_of(model: Model, size: tuple[int, int]) -> str:
    """Open an encoder and encode with it; return why it does not work, or nothing if it does."""
    with av.logging.Capture() as lines:
        try:
            return _shortcoming(HardwareEncoder(model, size=size, fps=FPS, bitrate=BITRATE))
        except Exception as error:  # whatever it is, the encoder does not work, and that is the answer
            said = [text for _level, _name, text in lines]
            return f"fails ({' '.join((said[-1] if said else str(error)).split())})"


def _shortcoming(encoder: HardwareEncoder) -> str:
    picture = av.VideoFrame(*encoder.size, "yuv420p")
    for _ in range(FRAMES):
        encoded = encoder.encode(picture)
        if encoded is not None:
            break
    else:
        return f"delivered nothing for {FRAMES} frames"
    if not encoded.is_key:
        return "does not begin with a key frame"
    if encoder.codec == "H264" and SEQUENCE_PARAMETERS not in _units(encoded.bitstream):
        return "does not send its parameters with a key frame"
    return ""


def _units(bitstream: bytes) -> set[int]:
    return {unit[0] & 31 for unit in bitstream.split(b"\0\0\1")[1:] if unit}


def _report_of(names: Sequence[str], size: tuple[int, int]) -> str:
    if not can_spawn():
        return _untried(names, "there is no Python to start")
    request = " ".join([*map(str, size), *names])
    try:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-I", "-c", BOOTSTRAP, request, *sys.path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )
    except OSError as error:
        return _untried(names, f"no process can be started ({error.strerror})")
    return output_of(child, LIMIT)


def _untried(names: Sequence[str], why: str) -> str:
    return "".join(f"{name}\tcannot be tried, as {why}\n" for name in names)


def output_of(child: "subprocess.Popen[str]", limit: float) -> str:
    """Return what a process printed until it ended, or until it was killed after `limit` seconds."""
    try:
        return child.communicate(timeout=limit)[0]
    except subprocess.TimeoutExpired:
        child.kill()
    with suppress(subprocess.TimeoutExpired):  # then a driver holds it in the kernel
        return child.communicate(timeout=REAP_LIMIT)[0]
    return ""
