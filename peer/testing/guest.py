"""A real peer with fake devices, as the fixture `join` makes it."""

from pathlib import Path
from typing import Unpack

from peer.capture.source import Kind
from peer.config import Options, PeerConfig
from peer.errors import UsageError
from peer.peer import Peer
from peer.publishing import Publication
from peer.testing.devices import FakeCamera, FakeMicrophone
from signaling.messages import Extra

_QUICK = PeerConfig(retry_min=0.05, retry_max=0.5, guard=False)  # a test does not wait as long as a kiosk


class Guest(Peer):
    """A `Peer` that has a fake `camera` and a fake `microphone`, which are not open before they are published."""

    def __init__(
        self,
        url: str,
        *,
        room: str,
        user: str,
        folder: Path,
        token: str | None = None,
        extra: Extra | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(url, room=room, user=user, token=token, extra=extra, config=_QUICK, **options)
        self.camera = FakeCamera.make(folder, user)
        self.microphone = FakeMicrophone.make(folder, user)

    async def publish_devices(self, *kinds: Kind | str, codec: str = "auto") -> list[Publication]:
        """Publish the fake devices of these kinds ("audio", "video"), by default of both."""
        devices = {Kind.VIDEO: self.camera, Kind.AUDIO: self.microphone}
        unknown = [kind for kind in kinds if kind not in list(Kind)]
        if unknown:
            raise UsageError(f"{unknown[0]!r} is no kind of media: audio or video")
        chosen = [Kind(kind) for kind in kinds] or list(devices)
        return [await self.publish(devices[kind], codec=codec if kind is Kind.VIDEO else "auto") for kind in chosen]
