"""Cameras, microphones, screens, files and a test pattern: opened once, shared, and always let go.

    capture = await acquire(Camera())
    print(capture.format.describe())
    unsubscribe = capture.subscribe(Kind.VIDEO, lambda frame: ...)
    ...
    release = await capture.release()

Frames are `av.VideoFrame` (yuv420p, even dimensions, time base 1/90000) and `av.AudioFrame` (s16, stereo, 48 kHz, 960
samples, time base 1/48000), all stamped by one capture clock.

A device is read by a thread, or by a process of its own (`isolation="process"`, which is the default where the driver
may hang: X screens): then it is let go within 0.3 s whatever the driver does, unless the kernel itself holds it, and a
crash ends the source and not the program. Frames cross in shared memory. The process dies with the program.

Names are imported when they are first used: the process that reads a device needs few of them.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from peer.capture.capture import (
        OPEN_TIMEOUT as OPEN_TIMEOUT,
        RELEASE_TIMEOUT as RELEASE_TIMEOUT,
        Capture as Capture,
        acquire as acquire,
        release_all as release_all,
    )
    from peer.capture.devices import (
        Device as Device,
        enumerate_devices as enumerate_devices,
    )
    from peer.capture.format import (
        Opened as Opened,
    )
    from peer.capture.input import (
        Frame as Frame,
    )
    from peer.capture.mailbox import (
        Deliver as Deliver,
        Ended as Ended,
    )
    from peer.capture.source import (
        Camera as Camera,
        File as File,
        Isolation as Isolation,
        Kind as Kind,
        Microphone as Microphone,
        Screen as Screen,
        Source as Source,
        TestPattern as TestPattern,
    )
    from peer.capture.track import (
        MediaTrack as MediaTrack,
        Track as Track,
    )
    from peer.capture.written import (
        AudioSource as AudioSource,
        VideoSource as VideoSource,
    )

_HOMES = {
    "peer.capture.capture": "OPEN_TIMEOUT RELEASE_TIMEOUT Capture acquire release_all",
    "peer.capture.devices": "Device enumerate_devices",
    "peer.capture.format": "Opened",
    "peer.capture.input": "Frame",
    "peer.capture.mailbox": "Deliver Ended",
    "peer.capture.source": "Camera File Isolation Kind Microphone Screen Source TestPattern",
    "peer.capture.track": "MediaTrack Track",
    "peer.capture.written": "AudioSource VideoSource",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'peer.capture' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
