"""The endpoint: captures, publishes, watches, and always leaves properly.

    async with Peer("ws://127.0.0.1:8080/ws", room="lobby", user="kiosk-1") as me:
        await me.publish(Camera())
        await me.wait_exited()

Names are imported when they are first used: what a program does not need costs it no start-up time.
"""

import gc
import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from peer.capture import (
        Camera as Camera,
        Device as Device,
        File as File,
        Isolation as Isolation,
        Kind as Kind,
        Microphone as Microphone,
        Screen as Screen,
        Source as Source,
        TestPattern as TestPattern,
        Track as Track,
        enumerate_devices as enumerate_devices,
    )
    from peer.config import (
        PeerConfig as PeerConfig,
    )
    from peer.errors import (
        DeviceBusy as DeviceBusy,
        DeviceDenied as DeviceDenied,
        DeviceError as DeviceError,
        DeviceFailed as DeviceFailed,
        DeviceNotFound as DeviceNotFound,
        ExeuntError as ExeuntError,
        NotAnExeuntServer as NotAnExeuntServer,
        Refused as Refused,
        ServerUnreachable as ServerUnreachable,
        SignalingError as SignalingError,
        UsageError as UsageError,
    )
    from peer.events import (
        ConnectionBack as ConnectionBack,
        ConnectionLost as ConnectionLost,
        Detection as Detection,
        DeviceBack as DeviceBack,
        DeviceLost as DeviceLost,
        DeviceRelease as DeviceRelease,
        EnterRoom as EnterRoom,
        Event as Event,
        ExitReport as ExitReport,
        ExitRoom as ExitRoom,
        ExitStep as ExitStep,
        Outcome as Outcome,
        Reason as Reason,
        RemoteUserBack as RemoteUserBack,
        RemoteUserJoin as RemoteUserJoin,
        RemoteUserLeave as RemoteUserLeave,
        RemoteUserUnreachable as RemoteUserUnreachable,
        RemoteUserUpdate as RemoteUserUpdate,
        SourceEnded as SourceEnded,
    )
    from peer.exit import (
        ExitState as ExitState,
    )
    from peer.media.receive import (
        ReceivedFrame as ReceivedFrame,
        RemoteMedia as RemoteMedia,
    )
    from peer.peer import (
        Peer as Peer,
    )
    from peer.publishing import (
        Publication as Publication,
    )
    from peer.signals import (
        leave_on_signals as leave_on_signals,
    )
    from peer.visit import (
        RemoteUser as RemoteUser,
    )

_HOMES = {
    "peer.capture": "Camera Device File Isolation Kind Microphone Screen Source TestPattern Track enumerate_devices",
    "peer.config": "PeerConfig",
    "peer.errors": "DeviceBusy DeviceDenied DeviceError DeviceFailed DeviceNotFound ExeuntError NotAnExeuntServer "
    "Refused ServerUnreachable SignalingError UsageError",
    "peer.events": "ConnectionBack ConnectionLost Detection DeviceBack DeviceLost DeviceRelease EnterRoom Event "
    "ExitReport ExitRoom ExitStep Outcome Reason RemoteUserBack RemoteUserJoin RemoteUserLeave RemoteUserUnreachable "
    "RemoteUserUpdate SourceEnded",
    "peer.exit": "ExitState",
    "peer.media.receive": "ReceivedFrame RemoteMedia",
    "peer.peer": "Peer",
    "peer.publishing": "Publication",
    "peer.signals": "leave_on_signals",
    "peer.visit": "RemoteUser",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'peer' has no attribute {name!r}")
    value = globals()[name] = getattr(_imported(_HOME[name]), name)
    return value


def _imported(module: str) -> ModuleType:
    """Import a module without looking for garbage meanwhile: all that comes is kept, and looking takes a tenth."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        if was_enabled:
            gc.enable()


def __dir__() -> list[str]:
    return sorted(__all__)
