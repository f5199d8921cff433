"""Plain aiortc, receiving one track: it decodes in any case."""

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRecorder
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from bench.receiving.player import Player


class Noted(MediaStreamTrack):
    """A track that notes when each of its frames was taken."""

    def __init__(self, track: MediaStreamTrack, shown: list[float]) -> None:
        super().__init__()
        self.kind = track.kind
        self._track, self._shown = track, shown

    async def recv(self) -> Any:
        """Return the next frame."""
        frame = await self._track.recv()
        self._shown.append(time.monotonic())
        return frame


class Theirs:
    """One connection, answered."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.shown: list[float] = []
        self.player = Player()
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._track: MediaStreamTrack | None = None
        self.pc.on("track", self._receive)
        self.pc.on("connectionstatechange", self._changed)

    async def answer(self, sdp: str) -> str:
        """Answer an offer."""
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return str(self.pc.localDescription.sdp)

    async def read(self, how: str, folder: Path) -> None:
        """Take what comes, until cancelled."""
        assert self._track is not None
        track = Noted(self._track, self.shown)
        try:
            match how:
                case "record":
                    await self._record(track, folder / "theirs.mp4")
                case "numpy":
                    while True:
                        (await track.recv()).to_ndarray(format="rgb24")
                case "play":
                    while True:
                        samples = (await track.recv()).to_ndarray()
                        await self.player.play(np.asarray(samples, np.int16).reshape(-1, 2))
                case _:
                    pass
        except MediaStreamError:
            return

    async def close(self) -> None:
        """End."""
        await self.pc.close()

    async def _record(self, track: MediaStreamTrack, path: Path) -> None:
        recorder = MediaRecorder(str(path))
        recorder.addTrack(track)
        await recorder.start()
        try:
            await asyncio.Event().wait()
        finally:
            await recorder.stop()

    def _receive(self, track: MediaStreamTrack) -> None:
        self._track = track

    def _changed(self) -> None:
        if self.pc.connectionState == "connected":
            self.connected.set()
