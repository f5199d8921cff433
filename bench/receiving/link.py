# ruff: noqa: SLF001 - what stands between ICE and DTLS is private in aiortc
"""A bad link in front of a receiver: what comes over ICE is lost or late by chance, its answers are lost as often."""

import asyncio
import random
from typing import Any

SEED = 6


class Link:
    """Replaces how an ICE transport of aiortc's receives and sends; `jitter` is the most that a packet is late, s."""

    def __init__(self, ice: Any, loss: float, jitter: float) -> None:
        self.loss, self.jitter = loss, jitter
        self._chance = random.Random(SEED)
        self._come: asyncio.Queue[bytes] = asyncio.Queue()
        self._held: list[bytes] | None = None  # while it stands still
        self._receive, self._send = ice._recv, ice._send
        ice._recv, ice._send = self._come.get, self._answer
        self._carrying = asyncio.create_task(self._carry())

    def hold(self) -> None:
        """Keep what comes until `let_go`: the link stands still."""
        self._held = []

    def let_go(self) -> None:
        """Deliver what was kept, all at once."""
        held, self._held = self._held, None
        for packet in held or ():
            self._come.put_nowait(packet)

    def close(self) -> None:
        """Carry nothing more."""
        self._carrying.cancel()

    async def _carry(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            packet = await self._receive()
            if not _is_media(packet):
                self._come.put_nowait(packet)
            elif self._chance.random() < self.loss:
                continue
            elif self._held is not None:
                self._held.append(packet)
            else:
                loop.call_later(self._chance.random() * self.jitter, self._come.put_nowait, packet)

    async def _answer(self, packet: bytes) -> None:
        if not _is_media(packet) or self._chance.random() >= self.loss:
            await self._send(packet)


def _is_media(packet: bytes) -> bool:
    return 128 <= packet[0] < 192  # RTP and RTCP (RFC 7983)
