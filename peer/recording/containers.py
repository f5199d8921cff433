"""Which container holds what, and which one a path asks for. Pure."""

from pathlib import PurePath

from peer.errors import UsageError
from peer.recording.form import Container
from peer.recording.matroska import Matroska
from peer.recording.mp4 import Mp4

HOLDS = {
    "webm": frozenset({"vp8", "opus"}),
    "mp4": frozenset({"h264", "opus"}),
    "mkv": frozenset({"vp8", "h264", "opus"}),
}
WORDS = {"vp8": "VP8", "h264": "H.264", "opus": "Opus"}


def container_of(path: PurePath) -> str:
    """Return the container of a file by its suffix. Raises `UsageError`."""
    container = path.suffix.removeprefix(".").lower()
    if container not in HOLDS:
        raise UsageError(f"{path} says no container: let its name end with .{', .'.join(HOLDS)}")
    return container


def refusal(container: str, codec: str, user: str) -> str | None:
    """Say why a container cannot hold what a user sends, and which can; None if it can."""
    if codec in HOLDS[container]:
        return None
    able = " or ".join(f".{name}" for name, codecs in HOLDS.items() if codec in codecs)
    advice = f"record to {able}" if able else "no container here can"
    return f"{user} sends {WORDS.get(codec, codec)}, which .{container} cannot hold: {advice}"


def make(container: str, began: float) -> Container:
    """Return what writes a file of a container; `began` is the Unix time, in seconds, that it says."""
    if container == "mp4":
        return Mp4(began=began)
    return Matroska(is_webm=container == "webm", began=began)
