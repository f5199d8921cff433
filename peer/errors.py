"""What can go wrong, as a small tree.

    ExeuntError
    ├── UsageError              the program asked for something that cannot be: mend the program
    ├── DeviceError             a camera, microphone, screen or file
    │   ├── DeviceNotFound
    │   ├── DeviceBusy          somebody else holds it (the text says who, where the system tells)
    │   ├── DeviceDenied        permission
    │   └── DeviceFailed        it is there and does not work
    └── SignalingError          the server
        ├── ServerUnreachable
        ├── NotAnExeuntServer
        └── Refused             the server said no: `code` says why

The text of each is one sentence that says what to do.
"""

from signaling.messages import ErrorCode


class ExeuntError(Exception):
    """Anything this library raises on purpose."""


class UsageError(ExeuntError, ValueError):
    """The program asked for something that cannot be."""


class DeviceError(ExeuntError):
    """A camera, microphone, screen or file could not be used."""


class DeviceNotFound(DeviceError):
    """There is no such device or file."""


class DeviceBusy(DeviceError):
    """Somebody else holds the device."""


class DeviceDenied(DeviceError):
    """The system does not let us use the device."""


class DeviceFailed(DeviceError):
    """The device or file is there and does not work."""


class SignalingError(ExeuntError):
    """The server could not be used."""


class ServerUnreachable(SignalingError):
    """Nobody answers at the address."""


class NotAnExeuntServer(SignalingError):
    """Somebody answers who is no Exeunt server."""


class Refused(SignalingError):
    """The server said no."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
