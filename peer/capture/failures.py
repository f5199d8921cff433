"""What the errors of the system mean for a source, as one sentence that says what to do. Pure."""

import errno
import os
import signal
from collections.abc import Sequence

from peer.capture.handles import Holder
from peer.capture.source import Camera, File, Microphone, Screen, Source
from peer.errors import DeviceBusy, DeviceDenied, DeviceError, DeviceFailed, DeviceNotFound

_MISSING = {errno.ENOENT, errno.ENODEV, errno.ENXIO}
_DENIED = {errno.EACCES, errno.EPERM}
_INVALID_DATA = 1094995529  # AVERROR_INVALIDDATA
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
_EXIT = 1414092869  # AVERROR_EXIT: our limit for the open was over


def open_failure(source: Source, code: int, holders: Sequence[Holder] = ()) -> DeviceError:
    """Return what to raise when a source could not be opened for the error number `code`."""
    if code in _MISSING:
        return DeviceNotFound(f"There is no {source.label}: {_where_to_look(source)}.")
    if code in _DENIED:
        return DeviceDenied(f"The system does not let this program use {source.label}: {_permission(source)}.")
    if code == errno.EBUSY or (holders and code == errno.EIO):  # ALSA says EIO for a busy device
        return DeviceBusy(f"The {source.label} is in use by {_names(holders)}: end that, then try again.")
    if isinstance(source, File) and code in (_INVALID_DATA, errno.EISDIR):
        return DeviceFailed(f"The {source.label} is nothing that FFmpeg can play: name a media file or a media URL.")
    return DeviceFailed(f"The {source.label} does not open ({reason(code)}): {_remedy(source)}.")


def silent_failure(source: Source, limit: float) -> DeviceFailed:
    """Return what to raise when a source opened, or not even that, and gave nothing for `limit` seconds."""
    return DeviceFailed(f"The {source.label} gave nothing within {limit:g} s: unplug it and plug it in, or restart it.")


def running_failure(source: Source, code: int) -> str:
    """Say why a source that ran has ended."""
    if code in _MISSING:
        return f"The {source.label} is gone ({reason(code)}): was it unplugged?"
    return f"The {source.label} failed while it ran ({reason(code)})."


def process_failure(source: Source, status: int) -> str:
    """Say why the process that read a source has ended without a word; `status` is minus the signal that ended it."""
    number = -status
    if number in _CRASHES:
        text = f"crashed ({signal.Signals(number).name}): the driver of the device or FFmpeg is at fault"
    elif number == signal.SIGKILL:
        text = "was killed (SIGKILL): look whether the system ran out of memory"
    elif number > 0:
        text = f"was ended by another program ({signal.strsignal(number)})"
    else:
        text = f"ended by itself (status {status}): its standard error says why"
    return f"The process that read the {source.label} {text}."


def reason(code: int) -> str:
    """Return the system's word for an error number, FFmpeg's where it is one of its own."""
    own = {_INVALID_DATA: "invalid data", _EXIT: "no answer within the limit"}
    return own.get(code) or os.strerror(code)


def _where_to_look(source: Source) -> str:
    if isinstance(source, File):
        return "check the path"
    if isinstance(source, Screen):
        return "check that an X server runs there and that DISPLAY is right"
    return "connect it, or choose one of enumerate_devices()"


def _permission(source: Source) -> str:
    if isinstance(source, Camera):
        return "add its user to the group 'video' and log in again"
    if isinstance(source, Microphone):
        return "add its user to the group 'audio' and log in again"
    if isinstance(source, Screen):
        return "set XAUTHORITY to the file of the user whose screen it is, or run 'xhost +local:' there"
    return "check its permissions"


def _remedy(source: Source) -> str:
    if isinstance(source, Microphone):
        return "start a sound server (PulseAudio, PipeWire), or choose one of enumerate_devices()"
    if isinstance(source, Screen):
        return "choose a part that lies inside the screen"
    if isinstance(source, Camera):
        return "unplug it and plug it in, or try another size"
    return "check it with ffprobe"


def _names(holders: Sequence[Holder]) -> str:
    if not holders:
        return "another program"
    return ", ".join(f"process {holder.pid} ({holder.command})" for holder in holders)
