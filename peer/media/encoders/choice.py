"""Opens the encoder that was asked for, or the one that works."""

import logging

import av

from peer.errors import UsageError
from peer.media.encoders import trial
from peer.media.encoders.base import CodecEncoder
from peer.media.encoders.encoded import VideoEncoder
from peer.media.encoders.hardware import MODELS, HardwareEncoder, Model
from peer.media.encoders.vpx import VpxEncoder
from peer.media.encoders.x264 import X264Encoder

log = logging.getLogger(__name__)

SOFTWARE, AUTO = "software", "auto"
SOFTWARE_ENCODERS: dict[str, type[X264Encoder] | type[VpxEncoder]] = {"H264": X264Encoder, "VP8": VpxEncoder}


def open_video_encoder(
    codec: str, *, size: tuple[int, int], fps: float, bitrate: int, encoder: str = SOFTWARE
) -> VideoEncoder:
    """Open an encoder for "H264" or "VP8". Hardware that does not work is replaced by software, and the log says so.

    `encoder` is "software", "auto" (hardware that works here, else software), or FFmpeg's name of one. Hardware is
    tried once per process in a process of its own, which takes up to some seconds: not on a thread that must not wait.
    Raises `UsageError` for what cannot be named.
    """
    software = SOFTWARE_ENCODERS.get(codec)
    if software is None:
        raise UsageError(f"Pictures are encoded as {' or '.join(SOFTWARE_ENCODERS)}, not as {codec!r}.")
    models = [model for model in MODELS if model.codec == codec]
    chosen = _chosen(codec, software.implementation, models, encoder)
    fallback = software(size=size, fps=fps, bitrate=bitrate)
    if not chosen:
        return fallback
    reasons = dict(trial.failures(tuple(model.name for model in chosen), size))
    opened = first_that_opens(chosen, reasons, fallback) or fallback
    _tell(encoder, opened, reasons)
    return opened


def first_that_opens(models: list[Model], reasons: dict[str, str], like: CodecEncoder) -> HardwareEncoder | None:
    """Open the first that stood its trial, for what another encoder is for. A reason is added if it does not open now.

    Those after it were not tried: then there is none.
    """
    model = next((model for model in models if model.name not in reasons), None)
    if model is None:
        return None
    hardware = HardwareEncoder(model, size=like.size, fps=like.fps, bitrate=like.bitrate)
    try:
        hardware.prepare()
    except (av.FFmpegError, NotImplementedError) as error:  # another program may hold the last session of a card
        reasons[model.name] = f"fails ({error})"
        return None
    return hardware


def codecs_of(encoder: str) -> tuple[str, ...]:
    """Return the codecs that what is named encodes. Raises `UsageError` if it cannot be named."""
    if encoder in (SOFTWARE, AUTO):
        return tuple(SOFTWARE_ENCODERS)
    known = {kind.implementation: codec for codec, kind in SOFTWARE_ENCODERS.items()}
    known |= {model.name: model.codec for model in MODELS}
    if encoder not in known:
        raise UsageError(f"There is no encoder {encoder!r}. Name one of: {', '.join([SOFTWARE, AUTO, *known])}.")
    return (known[encoder],)


def _chosen(codec: str, software: str, models: list[Model], encoder: str) -> list[Model]:
    """Return the hardware to be tried: all, the one that is named, or none."""
    if encoder in (SOFTWARE, software):
        return []
    chosen = [model for model in models if encoder in (AUTO, model.name)]
    if not chosen:
        names = ", ".join([SOFTWARE, AUTO, software, *(model.name for model in models)])
        raise UsageError(f"There is no encoder {encoder!r} for {codec}. Name one of: {names}.")
    return chosen


def _tell(encoder: str, opened: VideoEncoder, reasons: dict[str, str]) -> None:
    why = "; ".join(f"{name} {reason}" for name, reason in reasons.items())
    if encoder == AUTO:
        log.info("%s is encoded by %s%s", opened.codec, opened.implementation, f": {why}" if why else "")
    elif not opened.is_hardware:
        log.warning("%s is encoded by %s, as %s", opened.codec, opened.implementation, why)
