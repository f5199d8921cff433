"""What was asked of a device and what it gives."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Opened:
    """The form of an open source: what it gives, and what had been asked for. None: it has no such thing."""

    width: int | None = None
    height: int | None = None
    fps: float | None = None
    coding: str | None = None  # of the pictures as the device gives them: "mjpeg", "yuyv422"
    rate: int | None = None  # samples per second and channel
    channels: int | None = None
    sound_coding: str | None = None
    asked_width: int | None = None
    asked_height: int | None = None
    asked_fps: float | None = None

    def describe(self) -> str:
        """Say it in one line: "640x480 at 30 fps, yuyv422 (asked for 1280x720)"."""
        parts = []
        if self.width is not None:
            rate = f" at {self.fps:g} fps" if self.fps else ""
            parts.append(f"{self.width}x{self.height}{rate}, {self.coding}{self._wish()}")
        if self.rate is not None:
            channels = {1: "mono", 2: "stereo"}.get(self.channels or 0, f"{self.channels} channels")
            parts.append(f"{self.rate} Hz {channels}, {self.sound_coding}")
        return "; ".join(parts)

    def _wish(self) -> str:
        if self.asked_width is None and self.asked_fps is None:
            return ""
        wishes = []
        if self.asked_width is not None and (self.width, self.height) != (self.asked_width, self.asked_height):
            wishes.append(f"{self.asked_width}x{self.asked_height}")
        if self.asked_fps and self.fps and abs(self.asked_fps - self.fps) > 0.01 * self.asked_fps:
            wishes.append(f"{self.asked_fps:g} fps")
        return f" (asked for {' at '.join(wishes)})" if wishes else " (as asked)"
