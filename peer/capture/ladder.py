"""Which ways to open a device are tried, in which order. Pure.

FFmpeg's devices take wishes as options and fail as a whole when the driver does not know one of them; hence a ladder
from the best wish to the device's own choice. The ways for macOS and Windows are written by FFmpeg's documentation and
have not been run on those systems.
"""

from dataclasses import dataclass, field

from peer.capture.source import Camera, Microphone, Screen

# AVFMT_FLAG_NONBLOCK, by number because it has no name: reads return at once, so that a stalled device can be let go.
# Without a probe for time stamps the open does not spin until the first picture.
POLLED = {"fflags": "+4", "max_ts_probe": "0"}
# A compressed camera is probed for its first picture, and the probe spins meanwhile: it gets this long.
PROBE_LIMIT = 3.0  # seconds


@dataclass(frozen=True)
class Attempt:
    """One way to open a device with FFmpeg."""

    name: str
    demuxer: str
    options: dict[str, str] = field(default_factory=dict)
    limit: float | None = None  # seconds FFmpeg may take, where it can keep a limit


def camera_attempts(camera: Camera, platform: str) -> list[Attempt]:
    """Return the ways to open a camera on `platform` (as `sys.platform`), best first."""
    wish = {"video_size": f"{camera.width}x{camera.height}", "framerate": f"{camera.fps:g}"}
    if platform == "darwin":
        return _avfoundation_camera(camera.device or "0", wish)
    if platform == "win32":
        return _dshow_camera(camera.device or "", wish)
    device = camera.device or ""
    coded = [camera.coding] if camera.coding is not None else []
    return [
        *(Attempt(device, "v4l2", {**POLLED, **wish, "input_format": coding}, PROBE_LIMIT) for coding in coded),
        Attempt(device, "v4l2", {**POLLED, **wish, "input_format": "mjpeg"}, PROBE_LIMIT),
        Attempt(device, "v4l2", {**POLLED, **wish, "input_format": "yuyv422"}, PROBE_LIMIT),
        Attempt(device, "v4l2", {**POLLED, **wish}, PROBE_LIMIT),
        Attempt(device, "v4l2", dict(POLLED), PROBE_LIMIT),
    ]


def microphone_attempts(microphone: Microphone, platform: str) -> list[Attempt]:
    """Return the ways to open a microphone on `platform`, best first."""
    if platform == "darwin":
        return [Attempt(f":{microphone.name}", "avfoundation")]
    if platform == "win32":
        return [Attempt(f"audio={microphone.name}", "dshow", {**POLLED, "audio_buffer_size": "20"})]
    forms = [(48_000, 2)]
    if microphone.name.startswith("hw:"):  # hardware itself converts nothing
        forms += [(48_000, 1), (44_100, 2), (44_100, 1)]
    return [
        Attempt(microphone.name, "alsa", {**POLLED, "sample_rate": str(rate), "channels": str(channels)})
        for rate, channels in forms
    ]


def screen_attempts(screen: Screen, platform: str) -> list[Attempt]:
    """Return the ways to open a screen on `platform`."""
    rate = {"framerate": f"{screen.fps:g}"}
    size = {"video_size": f"{screen.width}x{screen.height}"} if screen.width and screen.height else {}
    if platform == "darwin":
        cursor = {"capture_cursor": str(int(screen.cursor)), "pixel_format": "nv12"}
        return [Attempt(screen.name or "Capture screen 0", "avfoundation", {**rate, **cursor})]
    cursor = {"draw_mouse": str(int(screen.cursor))}
    if platform == "win32":
        corner = {"offset_x": str(screen.x), "offset_y": str(screen.y)}
        return [Attempt(screen.name or "desktop", "gdigrab", {**rate, **size, **cursor, **corner})]
    corner = {"grab_x": str(screen.x), "grab_y": str(screen.y)}
    return [Attempt(screen.name, "x11grab", {**rate, **size, **cursor, **corner})]


def _avfoundation_camera(device: str, wish: dict[str, str]) -> list[Attempt]:
    return [
        Attempt(f"{device}:none", "avfoundation", {**wish, "pixel_format": "uyvy422"}, PROBE_LIMIT),
        Attempt(f"{device}:none", "avfoundation", {**wish, "pixel_format": "nv12"}, PROBE_LIMIT),
        Attempt(f"{device}:none", "avfoundation", {"framerate": "30", "pixel_format": "nv12"}, PROBE_LIMIT),
        Attempt(f"{device}:none", "avfoundation", {"framerate": "30"}, PROBE_LIMIT),
    ]


def _dshow_camera(device: str, wish: dict[str, str]) -> list[Attempt]:
    name, common = f"video={device}", {**POLLED, "rtbufsize": "64M"}
    return [
        Attempt(name, "dshow", {**common, **wish, "vcodec": "mjpeg"}, PROBE_LIMIT),
        Attempt(name, "dshow", {**common, **wish, "pixel_format": "yuyv422"}, PROBE_LIMIT),
        Attempt(name, "dshow", common, PROBE_LIMIT),
    ]
