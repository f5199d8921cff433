"""Where a source is read: in a thread of this process or in a process of its own. Pure.

A thread costs nothing and is let go in milliseconds, as long as the driver answers. A process costs a second copy of
every frame and a third of a second at the start, but it can be ended whatever the driver does, and a crash is its own.
"""

from peer.capture.source import Camera, Isolation, Microphone, Screen, Source

DEVICES = (Camera, Microphone, Screen)
WINDOWS = "win32"  # has neither memory nor sockets that a process could inherit as it can elsewhere


def isolation_of(source: Source, platform: str, *, can_spawn: bool = True) -> Isolation:
    """Return how a source is read on `platform` (as `sys.platform`): as it wishes, else by what is behind it.

    The drivers behind V4L2 and ALSA's own hardware are asked without waiting, and files do not hang. An X server may
    keep us waiting, the library of a sound server locks up when that dies, and of the devices of other systems we know
    nothing: these get a process, where one can be started (a frozen program, for one, has no Python to start).
    """
    if source.isolation is not None:
        return Isolation(source.isolation)
    if not can_spawn or platform == WINDOWS or not isinstance(source, DEVICES):
        return Isolation.THREAD
    is_known = platform.startswith("linux") and (isinstance(source, Camera) or _is_hardware(source))
    return Isolation.THREAD if is_known else Isolation.PROCESS


def _is_hardware(source: Source) -> bool:
    """Whether this is a sound card itself, and not a server's or a plug-in's idea of one."""
    return isinstance(source, Microphone) and source.name.startswith(("hw:", "plughw:"))
