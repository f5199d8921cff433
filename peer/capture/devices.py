"""Which cameras, microphones and screens there are. Looking never raises and never takes long.

The lists of macOS and Windows are written by PyAV's documentation and have not been run on those systems.
"""

import logging
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import av

from peer.capture import alsa, x11
from peer.capture.names import Display, capture_devices, is_microphone, natural, parse_display
from peer.errors import DeviceError

logger = logging.getLogger(__name__)

LIMIT = 3.0  # seconds for everything
SCREEN_LIMIT = 0.5  # seconds for one X server
SYSFS = Path("/sys/class/video4linux")
PROC_PCM = Path("/proc/asound/pcm")

_QUERYCAP = 0x80685600  # VIDIOC_QUERYCAP: read 104 bytes, 'V', 0
_CAPABILITY = struct.Struct("16s32s32sIII12x")  # driver, card, bus, version, capabilities, those of this node
_IS_CAPTURE = 0x1 | 0x1000  # V4L2_CAP_VIDEO_CAPTURE, ..._MPLANE
_HAS_OWN = 0x80000000  # V4L2_CAP_DEVICE_CAPS


@dataclass(frozen=True)
class Device:
    """Something that can be captured: `id` is what `Camera`, `Microphone` and `Screen` take."""

    kind: str  # "camera", "microphone" or "screen"
    id: str
    name: str
    description: str = ""
    is_default: bool = False


def enumerate_devices() -> list[Device]:
    """Return the devices of this machine: cameras, microphones, screens. It may take up to three seconds."""
    looks = _looks(sys.platform)
    found: list[list[Device]] = [[] for _ in looks]
    threads = [
        threading.Thread(target=_look, args=(look, into), name="exeunt look for devices", daemon=True)
        for look, into in zip(looks, found, strict=True)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + LIMIT
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    return [device for devices in found for device in list(devices)]


def _looks(platform: str) -> list[Callable[[], Iterable[Device]]]:
    if platform.startswith("linux"):
        return [linux_cameras, linux_microphones, x_screens]
    if platform == "darwin":
        return [lambda: _of_ffmpeg("avfoundation")]
    if platform == "win32":
        return [lambda: _of_ffmpeg("dshow"), lambda: [Device("screen", "desktop", "the whole desktop", "", True)]]
    return []


def _look(look: Callable[[], Iterable[Device]], into: list[Device]) -> None:
    try:
        into.extend(look())
    except Exception as error:  # a part that this system lacks must not hide the others
        logger.debug("could not look for devices: %r", error)


def linux_cameras(sysfs: Path = SYSFS, dev: Path = Path("/dev")) -> list[Device]:
    """Return the nodes that give pictures: not those of metadata, encoders and outputs."""
    nodes = sorted((entry.name for entry in sysfs.glob("video*")), key=natural) if sysfs.exists() else []
    cameras = [(dev / node, text_of(sysfs / node / "name") or node) for node in nodes if gives_pictures(dev / node)]
    return [Device("camera", str(path), name, _rights(path), n == 0) for n, (path, name) in enumerate(cameras)]


def gives_pictures(node: Path) -> bool:
    """Ask a V4L2 node whether it is a camera; one that we may not open may be one."""
    import fcntl  # not on Windows

    try:
        descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    except PermissionError:
        return True
    except OSError:
        return False
    try:
        answer = fcntl.ioctl(descriptor, _QUERYCAP, bytes(_CAPABILITY.size))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return is_capture(answer)


def is_capture(capability: bytes) -> bool:
    """Whether a `struct v4l2_capability` says that this very node gives pictures."""
    *_, of_device, of_node = _CAPABILITY.unpack(capability)
    return bool((of_node if of_device & _HAS_OWN else of_device) & _IS_CAPTURE)


def linux_microphones(proc_pcm: Path = PROC_PCM) -> list[Device]:
    """Return the sound servers and the hardware that ALSA offers, the default first."""
    try:
        alsa.prepare()
    except DeviceError:
        return []
    hardware = capture_devices(text_of(proc_pcm))
    names = {device.name: device.description for device in av.enumerate_input_devices("alsa")}
    servers = {name: names[name] for name in names if is_microphone(name) and "hw:" not in name}
    if not hardware and not servers:
        return []
    found = {"default": "the system's default", **servers, **{f"plug{name}": hardware[name] for name in hardware}}
    return [
        Device("microphone", name, text.splitlines()[0] if text else name, text, name == "default")
        for name, text in found.items()
    ]


def x_screens(sockets: Path = x11.SOCKETS) -> list[Device]:
    """Return the X displays of this machine and $DISPLAY, with their size where they let us in."""
    own = os.environ.get("DISPLAY", "")
    names = sorted((f":{path.name[1:]}" for path in sockets.glob("X*") if path.name[1:].isdigit()), key=natural)
    displays = {parsed: name for name in [own, *names] if (parsed := parse_display(name)) is not None}
    screens = [_screen(display, displays[display]) for display in displays]
    return [
        Device("screen", name, size, "", name == own or (not own and n == 0))
        for n, (name, size) in enumerate(found for found in screens if found is not None)
    ]


def _screen(display: Display, name: str) -> tuple[str, str] | None:
    try:
        with x11.visit(display, SCREEN_LIMIT) as sizes:
            size = sizes[min(display.screen, len(sizes) - 1)]
    except (x11.Refusal, PermissionError):
        return name, "X screen, no permission"
    except OSError:  # a socket that its server left behind
        return None
    return name, f"X screen {size.width}x{size.height}"


def _of_ffmpeg(demuxer: str) -> list[Device]:
    kinds = {"video": "camera", "audio": "microphone"}
    return [
        Device(_kind(found.name, kinds.get(media, "camera")), found.name, found.description or found.name, "", n == 0)
        for n, found in enumerate(av.enumerate_input_devices(demuxer))
        for media in found.media_types or ["video"]
    ]


def _kind(name: str, kind: str) -> str:
    return "screen" if name.startswith("Capture screen") else kind


def _rights(path: Path) -> str:
    return "" if os.access(path, os.R_OK | os.W_OK) else "no permission"


def text_of(path: Path) -> str:
    """Return the text of a file of the system without blanks around it; empty if it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
