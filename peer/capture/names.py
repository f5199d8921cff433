"""What names of devices mean. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

# What libasound lists besides devices: converters, sinks and speaker layouts of cards.
_SERVERS = ("default", "pulse", "pipewire")
_HARDWARE = re.compile(r"^(?:plug)?hw:(?:CARD=)?(?P<card>[^,]+)(?:,(?:DEV=)?(?P<device>\d+))?$")
_DISPLAY = re.compile(r"^(?P<host>[^:]*):(?P<number>\d+)(?:\.(?P<screen>\d+))?$")
_CAPTURE_DEVICE = re.compile(r"^(?P<card>\d+)-(?P<device>\d+): .*?: (?P<name>.*?) :.*capture \d+")


class Display(NamedTuple):
    """An X display: its host (empty: this machine), its number and its screen."""

    host: str
    number: int
    screen: int


def parse_display(name: str) -> Display | None:
    """Read a name as in $DISPLAY, ":0", "localhost:10.0"; None if it is none."""
    match = _DISPLAY.match(name)
    if match is None:
        return None
    host = match["host"].removeprefix("unix").rstrip("/")
    return Display(host, int(match["number"]), int(match["screen"] or 0))


def is_microphone(name: str) -> bool:
    """Whether an ALSA name is a device that a person would choose."""
    return name in _SERVERS or _HARDWARE.match(name) is not None


def pcm_node(name: str, card_index: Callable[[str], int | None]) -> str | None:
    """Return the device node behind an ALSA hardware name ("hw:0,0", "plughw:CARD=PCH,DEV=0"), None for other names.

    `card_index` finds the number of a card from its identifier.
    """
    match = _HARDWARE.match(name)
    if match is None:
        return None
    card = int(match["card"]) if match["card"].isdigit() else card_index(match["card"])
    return f"/dev/snd/pcmC{-1 if card is None else card}D{int(match['device'] or 0)}c"


def capture_devices(proc_asound_pcm: str) -> dict[str, str]:
    """Return the capture devices in the text of /proc/asound/pcm, as `{"hw:0,0": "ALC257 Analog"}`."""
    matches = filter(None, map(_CAPTURE_DEVICE.match, proc_asound_pcm.splitlines()))
    return {f"hw:{int(found['card'])},{int(found['device'])}": found["name"] for found in matches}


def sound_sockets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the path of a sound server's socket contains, for the environment of this process."""
    server = environ.get("PULSE_SERVER", "").removeprefix("unix:")
    named = (server,) if server.startswith("/") else ()
    return (*named, "/pulse/", "pipewire")


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts "video10" behind "video2"."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]
