"""One stay of the leaver (ana) with another user (bo) in the room, and what must be true of how it ended."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from peer import Peer
from peer.hooks import Hook
from signaling.config import SignalingConfig
from signaling.effects import Effect, Send
from signaling.messages import ExitRoom, RemoteUserLeave
from signaling.observer import Observer
from signaling.server import SignalingServer, Site
from signaling.tokens import ALL_GRANTS, make
from tests.cable import Cable
from tests.devices.v4l2 import FakeCamera
from tests.exits.leaver import Leaver, is_free
from tests.journal import Journal

NOBODY: frozenset[str] = frozenset()
LIMIT = 30.0  # seconds for anything that is waited for here
TOTAL = 10.0  # seconds that an exit may take, whatever hangs
KEY = "a key for the tests of the exits"
QUICK = {"retry_min": 0.02, "retry_max": 0.1, "stall_after": 0.5}


class Witness(Observer):
    """Writes down when somebody's leave is said to whom: on the wire, before the leaver is let go."""

    def __init__(self) -> None:
        self.told: list[tuple[float, str, tuple[str, ...]]] = []

    def did(self, effect: Effect) -> None:
        match effect:
            case Send(to, RemoteUserLeave(user="ana")):
                self.told.append((time.monotonic(), "the others are told", to))
            case Send(to, ExitRoom()):
                self.told.append((time.monotonic(), "the server lets go", to))


class TellingServer(SignalingServer):
    """A server with a witness."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        witness = Witness()
        self.told = witness.told
        self.observers.add(witness)


@dataclass
class Case:
    """One stay of ana with bo in the room."""

    server: TellingServer
    site: Site
    ana: Leaver
    camera: FakeCamera
    journal: Journal
    cable: Cable
    stack: AsyncExitStack
    bo: Peer | None = None
    token: str = ""
    options: dict[str, object] = field(default_factory=dict)  # of ana
    capture: dict[str, object] = field(default_factory=dict)  # options of ana's camera
    handlers: dict[str, object] = field(default_factory=dict)  # what ana's handlers do wrong
    frees: bool = True  # the camera is let go
    reopens: bool = True  # and works again

    async def meet(self) -> Peer:
        """Let bo come in."""
        self.bo = Peer(self.site.ws_url, room="lobby", user="bo", token=token("bo"), guard=False, **QUICK)
        for hook in [hook for hook in vars(self.bo).values() if isinstance(hook, Hook)]:
            hook(lambda event: self.journal.add("bo", event))
        return await self.stack.enter_async_context(self.bo)

    async def enter(self) -> None:
        """Let ana come in."""
        is_near = self.site.host == "127.0.0.1"
        url = f"{self.cable.url.replace('http', 'ws', 1)}/ws" if is_near else self.site.ws_url
        options = {"token": self.token or token("ana"), **QUICK, **self.options}
        facts = {"camera": str(self.camera.path), "capture": self.capture, "reopen": self.reopens, **self.handlers}
        self.ana.tell("enter", url=url, options=options, **facts)
        await self.ana.until("entered")

    async def publish(self) -> None:
        """Let ana publish her camera."""
        self.ana.tell("publish")
        await self.ana.until("published")

    async def see(self) -> None:
        """Wait until bo sees the next picture of ana's."""
        assert self.bo is not None
        async with asyncio.timeout(LIMIT):
            async for _ in self.bo.users["ana"].video.frames():
                return

    async def reach(self) -> None:
        """Wait until ana and bo can say things straight to each other; pictures do not wait for that."""
        assert self.bo is not None
        await until_straight(self.bo)

    async def assert_contract(
        self,
        own: str,
        others: frozenset[str],
        *,
        outcome: str = "verified",
        answers: bool = True,
        sure: bool = True,
        hears: bool = False,
    ) -> None:
        """Ana is in the handler of `onExitRoom` now, or will be. `answers`: the server knows that she leaves.

        `others` are the reasons of which bo is told one (not `sure`: or none); empty: bo is not told of a leave.
        `hears`: the server finds out by itself, before or after.
        """
        exited = (await self.ana.until("event", "exitRoom"))["event"]
        await self.ana.until("inside")
        # 1: everybody is told, then the devices are released, then `onExitRoom` fires
        if self.bo is not None and others and sure:
            await self.journal.until_true(lambda: bool(self.leaves()))
        order = [what for what in self.order() if not hears or what != "the others are told"]
        assert order[not sure and order[0] == "the others are told" :] == [
            *(["the others are told"] if answers and others and sure and self.bo else []),
            *(["the server lets go"] if answers else []),
            "onExitRoom",
            *(["the device opens again"] if self.reopens else []),
        ]
        assert [step["name"] for step in exited["report"]["steps"]] == ["notifying", "releasing", "closing"]
        # 3: the device can be opened again, by another process too
        assert {device["outcome"] for device in exited["report"].get("devices", ())} <= {outcome}
        assert is_free(self.camera.path) == self.frees
        # 4: bounded
        assert exited["report"]["total"] < TOTAL
        self.camera.command("")  # whatever the driver did wrong is over, or its thread would stay
        self.ana.tell("go")
        self.ana.tell("over")
        over = await self.ana.until("over")
        # 2: once, and nothing after
        assert [word for word in self.ana.events() if word.startswith("exitRoom")] == [f"exitRoom {own}"]
        assert self.ana.events()[-1] == f"exitRoom {own}"
        if self.bo is not None:
            assert bool(others and sure) <= len(self.leaves()) <= bool(others)
            assert set(self.leaves()) <= others
        # 5: nothing is left
        assert over["left"] + over["tasks"] == []

    def known_by(self) -> str:
        """Return how bo knows that ana is gone."""
        leave = next(event for _, event in self.journal.events if isinstance(event, RemoteUserLeave))
        return leave.detected_by.value

    def leaves(self) -> list[str]:
        """Return the reasons of ana's leaves that bo was told of."""
        told = [word for word in self.journal.of("bo") if word.startswith("remoteUserLeave ana")]
        return [word.split()[-1] for word in told]

    def order(self) -> list[str]:
        """Return what happened to ana, in its order: the server and she read the same clock."""
        bo = self.bo.session if self.bo is not None else None
        said = [(at, what) for at, what, to in self.server.told if to != (bo,) or what == "the others are told"]
        exits = [
            (line["at"], "onExitRoom") for line in self.ana.lines if line.get("event", {}).get("type") == "exitRoom"
        ]
        again = [(line["at"], "the device opens again") for line in self.ana.lines if line.get("outcome") == "verified"]
        # what the server said into a connection that was dead already is said again to whoever comes back
        return list(dict.fromkeys(what for _, what in sorted([*said, *exits, *again])))


async def until_straight(bo: Peer) -> None:
    """Wait until there is a data channel between ana and bo, who came later and offered: she knows of it before."""
    connections = bo._here.topology._connections
    async with asyncio.timeout(LIMIT):
        while not any(one._channel and one._channel.readyState == "open" for one in connections.values()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


def token(user: str, expires: float | None = None) -> str:
    return make(KEY, "lobby", user, ALL_GRANTS, expires)


@asynccontextmanager
async def playing(
    ana: Leaver, camera: FakeCamera, *, host: str = "127.0.0.1", **options: object
) -> AsyncIterator[Case]:
    """Serve a room at this address, with a cable to it for ana; at any other than loopback without."""
    server = TellingServer(config=SignalingConfig(**{"grace": 5.0, "key": KEY, **options}))
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(server.listen(host))
        cable = await stack.enter_async_context(Cable(site.url).laid())
        camera.command("")
        try:
            yield Case(server, site, ana, camera, Journal(), cable, stack)
        except BaseException:
            ana.give_up()
            raise
        finally:
            camera.command("")
