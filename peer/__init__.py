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

from peer.postponed import DNS, postpone

if TYPE_CHECKING:
    from peer.capture import (
        AudioSource as AudioSource,
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
        VideoSource as VideoSource,
        enumerate_devices as enumerate_devices,
    )
    from peer.config import (
        PeerConfig as PeerConfig,
    )
    from peer.conversation.conversation import (
        Delivery as Delivery,
    )
    from peer.conversation.responding import (
        Request as Request,
    )
    from peer.errors import (
        DeviceBusy as DeviceBusy,
        DeviceDenied as DeviceDenied,
        DeviceError as DeviceError,
        DeviceFailed as DeviceFailed,
        DeviceNotFound as DeviceNotFound,
        ExeuntError as ExeuntError,
        LeftRoom as LeftRoom,
        MessageError as MessageError,
        NoAnswer as NoAnswer,
        NoResponder as NoResponder,
        NotAnExeuntServer as NotAnExeuntServer,
        NotPublished as NotPublished,
        Refused as Refused,
        Rejected as Rejected,
        RequestFailed as RequestFailed,
        ServerUnreachable as ServerUnreachable,
        SignalingError as SignalingError,
        Unreachable as Unreachable,
        UsageError as UsageError,
        UserGone as UserGone,
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
        Message as Message,
        Muted as Muted,
        Outcome as Outcome,
        Reason as Reason,
        RecordingEnded as RecordingEnded,
        RecordingFailed as RecordingFailed,
        RecordingStarted as RecordingStarted,
        RemoteUserBack as RemoteUserBack,
        RemoteUserFirstFrame as RemoteUserFirstFrame,
        RemoteUserFrozen as RemoteUserFrozen,
        RemoteUserJoin as RemoteUserJoin,
        RemoteUserLeave as RemoteUserLeave,
        RemoteUserMuted as RemoteUserMuted,
        RemoteUserPublished as RemoteUserPublished,
        RemoteUserQuality as RemoteUserQuality,
        RemoteUserResumed as RemoteUserResumed,
        RemoteUserSilent as RemoteUserSilent,
        RemoteUserSpeaking as RemoteUserSpeaking,
        RemoteUserUnmuted as RemoteUserUnmuted,
        RemoteUserUnpublished as RemoteUserUnpublished,
        RemoteUserUnreachable as RemoteUserUnreachable,
        RemoteUserUpdate as RemoteUserUpdate,
        RoomChanged as RoomChanged,
        SourceEnded as SourceEnded,
        TokenExpiring as TokenExpiring,
    )
    from peer.exit import (
        ExitState as ExitState,
    )
    from peer.media.inbound_stats import (
        CandidatePairStats as CandidatePairStats,
        InboundRtpStats as InboundRtpStats,
    )
    from peer.media.receive import (
        ReceivedFrame as ReceivedFrame,
        RemoteMedia as RemoteMedia,
    )
    from peer.media.sound import (
        Chunks as Chunks,
        SoundChunk as SoundChunk,
    )
    from peer.media.stats import (
        OutboundRtpStats as OutboundRtpStats,
    )
    from peer.peer import (
        Peer as Peer,
    )
    from peer.publishing import (
        Publication as Publication,
    )
    from peer.quality import (
        Quality as Quality,
    )
    from peer.recording.recorder import (
        Recorder as Recorder,
    )
    from peer.recording.reel import (
        TrackLength as TrackLength,
    )
    from peer.remote import (
        RemoteUser as RemoteUser,
    )
    from peer.signals import (
        leave_on_signals as leave_on_signals,
    )
    from peer.whip.clients import (
        WhepPlayer as WhepPlayer,
        WhipPublisher as WhipPublisher,
    )

_HOMES = {
    "peer.capture": "AudioSource Camera Device File Isolation Kind Microphone Screen Source TestPattern Track "
    "VideoSource enumerate_devices",
    "peer.config": "PeerConfig",
    "peer.conversation.conversation": "Delivery",
    "peer.conversation.responding": "Request",
    "peer.errors": "DeviceBusy DeviceDenied DeviceError DeviceFailed DeviceNotFound ExeuntError NotAnExeuntServer "
    "Refused Rejected ServerUnreachable SignalingError UsageError MessageError NoAnswer NoResponder RequestFailed "
    "Unreachable UserGone LeftRoom NotPublished",
    "peer.events": "ConnectionBack ConnectionLost Detection DeviceBack DeviceLost DeviceRelease EnterRoom Event "
    "ExitReport ExitRoom ExitStep Message Muted Outcome Reason RecordingEnded RecordingFailed RecordingStarted "
    "RemoteUserBack RemoteUserJoin RemoteUserLeave "
    "RemoteUserUnreachable RemoteUserUpdate RoomChanged SourceEnded TokenExpiring "
    "RemoteUserFirstFrame RemoteUserFrozen RemoteUserMuted RemoteUserQuality RemoteUserResumed RemoteUserSilent "
    "RemoteUserSpeaking RemoteUserUnmuted RemoteUserPublished RemoteUserUnpublished",
    "peer.exit": "ExitState",
    "peer.media.inbound_stats": "CandidatePairStats InboundRtpStats",
    "peer.media.receive": "ReceivedFrame RemoteMedia",
    "peer.media.sound": "Chunks SoundChunk",
    "peer.media.stats": "OutboundRtpStats",
    "peer.peer": "Peer",
    "peer.publishing": "Publication",
    "peer.recording.recorder": "Recorder",
    "peer.recording.reel": "TrackLength",
    "peer.quality": "Quality",
    "peer.signals": "leave_on_signals",
    "peer.remote": "RemoteUser",
    "peer.whip.clients": "WhepPlayer WhipPublisher",
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
        postpone(DNS)
        return importlib.import_module(module)
    finally:
        if was_enabled:
            gc.enable()


def __dir__() -> list[str]:
    return sorted(__all__)
