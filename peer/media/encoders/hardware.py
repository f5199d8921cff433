"""Encoders in hardware, as FFmpeg offers them under one name each.

None of them was at hand when this was written: what is proved is that one that does not work is found out and replaced
(`trial`). VAAPI takes pictures from the memory of the graphics card only; PyAV carries them there when the codec is
created with a device, but the wheels of PyAV for Linux are built without VAAPI: it needs a PyAV built from source.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import av
from av.codec.hwaccel import HWAccel

from peer.media.encoders.base import CodecEncoder
from peer.media.encoders.pace import is_small_change

BUFFER = 0.5  # seconds


@dataclass(frozen=True)
class Model:
    """A hardware encoder: its name with FFmpeg, and what has to be said to it for real time."""

    name: str
    codec: str
    pixels: str = "nv12"
    device: str | None = None  # the kind of device whose memory it takes pictures from, if not ours
    options: Mapping[str, str] = field(default_factory=dict)


MODELS = (
    Model(
        "h264_nvenc",
        "H264",
        "yuv420p",
        options={
            "preset": "p2",
            "tune": "ull",
            "rc": "cbr",
            "zerolatency": "1",
            "delay": "0",
            "forced-idr": "1",
            "profile": "baseline",
        },
    ),
    Model(
        "h264_qsv",
        "H264",
        options={"preset": "veryfast", "async_depth": "1", "look_ahead": "0", "forced_idr": "1", "profile": "baseline"},
    ),
    Model(
        "h264_vaapi",
        "H264",
        device="vaapi",
        options={"rc_mode": "CBR", "async_depth": "1", "profile": "constrained_baseline", "sei": "0"},
    ),
    Model(
        "h264_videotoolbox",
        "H264",
        options={"realtime": "1", "allow_sw": "0", "profile": "constrained_baseline", "prio_speed": "1"},
    ),
    Model("h264_v4l2m2m", "H264", "yuv420p"),
    Model("vp8_vaapi", "VP8", device="vaapi", options={"rc_mode": "CBR", "async_depth": "1"}),
    Model("vp8_v4l2m2m", "VP8", "yuv420p"),
)


class HardwareEncoder(CodecEncoder):
    """An encoder in hardware, opened anew with a key frame when its bitrate changes by more than 15 %."""

    is_hardware = True
    needs_key_to_change_rate = True

    def __init__(self, model: Model, *, size: tuple[int, int], fps: float, bitrate: int) -> None:
        self.codec, self.implementation, self.pixels = model.codec, model.name, model.pixels
        self._model = model
        super().__init__(size=size, fps=fps, bitrate=bitrate)

    def can_follow(self) -> bool:
        """Whether the bitrate is still about that which it was opened with."""
        return is_small_change(self.opened_with, self.bitrate)

    def device(self) -> HWAccel | None:
        """Return the device whose memory the codec takes pictures from, None for ours."""
        return HWAccel(self._model.device) if self._model.device else None

    def open(self, context: av.VideoCodecContext) -> None:
        """Open it for a constant bitrate."""
        rates = {"maxrate": str(self.bitrate), "bufsize": str(int(self.bitrate * BUFFER))}
        context.options = {**self._model.options, **rates}
        context.open()
