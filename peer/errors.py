"""What can go wrong, as a small tree.

    ExeuntError
    ├── UsageError              the program asked for something that cannot be: mend the program
    │   └── NotPublished        a source is written to that nobody reads: not yet, or no more
    ├── LeftRoom                we left while something was waited for: the text says why
    ├── DeviceError             a camera, microphone, screen or file
    │   ├── DeviceNotFound
    │   ├── DeviceBusy          somebody else holds it (the text says who, where the system tells)
    │   ├── DeviceDenied        permission
    │   └── DeviceFailed        it is there and does not work
    ├── MessageError            something said to another user
    │   ├── Unreachable         they cannot be reached now, or do not take what was said before
    │   ├── UserGone            they are not in the room (any more)
    │   ├── NoAnswer            a request was not answered in time
    │   ├── NoResponder         nobody there answers requests of that topic
    │   └── RequestFailed       who answers there failed: the text says how
    └── SignalingError          the server
        ├── ServerUnreachable
        ├── NotAnExeuntServer
        ├── Refused             the server said no: `code` says why
        └── Rejected            a WHIP or WHEP server said no: `status` is HTTP's

The text of each is one sentence that says what to do.
"""

from signaling.messages import ErrorCode


class ExeuntError(Exception):
    """Anything this library raises on purpose."""


class UsageError(ExeuntError, ValueError):
    """The program asked for something that cannot be."""


class NotPublished(UsageError):
    """A source is written to that is not published yet, or is not any more: a writer's loop ends with this."""


class LeftRoom(ExeuntError):
    """We left the room, or are leaving it, while something in it was waited for."""


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


class MessageError(ExeuntError):
    """Something said to another user did not reach them, or was not answered."""


class Unreachable(MessageError):
    """The user cannot be reached now, or does not take what was said before."""


class UserGone(MessageError):
    """The user is not in the room, or has left it."""


class NoAnswer(MessageError):
    """A request was not answered in time."""


class NoResponder(MessageError):
    """Nobody answers requests of that topic there."""


class RequestFailed(MessageError):
    """Who answers a request there failed."""


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


class Rejected(SignalingError):
    """A WHIP or WHEP server said no, or is none."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
