"""The exit contract: whatever the cause, at whatever moment, in whatever state the device is.

The leaver (ana) is a process of its own, with a camera of its own (tests/exits/subject.py); the server and another user
(bo) are here. Each case asserts the same five things, in `Case.assert_contract`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from peer import Peer
from peer.hooks import Hook
from signaling.config import SignalingConfig
from signaling.effects import Effect, Send
from signaling.messages import ExitRoom, RemoteUserLeave
from signaling.server import SignalingServer, Site
from signaling.tokens import ALL_GRANTS, make
from tests.cable import Cable
from tests.devices.v4l2 import FakeCamera
from tests.exits.leaver import Leaver, is_free, leaver
from tests.journal import Journal

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY: frozenset[str] = frozenset()
LIMIT = 15.0  # seconds for anything that is waited for here
TOTAL = 10.0  # seconds that an exit may take, whatever hangs
KEY = "a key for the tests of the exits"
QUICK = {"retry_min": 0.02, "retry_max": 0.1}


class TellingServer(SignalingServer):
    """Writes down when somebody's leave is said to whom: on the wire, before the leaver is let go."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.told: list[tuple[float, str, tuple[str, ...]]] = []

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(to, RemoteUserLeave(user="ana")):
                self.told.append((time.monotonic(), "the others are told", to))
            case Send(to, ExitRoom()):
                self.told.append((time.monotonic(), "the server lets go", to))
        super()._carry_out(effect)


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> FakeCamera:
    return FakeCamera(tmp_path_factory.mktemp("camera"), size="320x240")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def resident(camera: FakeCamera) -> AsyncIterator[Leaver]:
    """A leaver that plays the stays that it survives, one after the other: most of a case's time is its start."""
    async with leaver(camera.environment) as subject:
        yield subject


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
    reopens: bool = True
    facts: dict[str, object] = field(default_factory=dict)

    async def meet(self) -> Peer:
        """Let bo come in."""
        self.bo = Peer(self.site.ws_url, room="lobby", user="bo", token=token("bo"), guard=False, **QUICK)
        for hook in [hook for hook in vars(self.bo).values() if isinstance(hook, Hook)]:
            hook(lambda event: self.journal.add("bo", event))
        return await self.stack.enter_async_context(self.bo)

    def enter(self, **facts: object) -> None:
        """Tell ana to come in."""
        options = {"token": self.facts.get("token", token("ana")), **QUICK}
        url = f"{self.cable.url.replace('http', 'ws', 1)}/ws"
        self.ana.tell("enter", url=url, camera=str(self.camera.path), options=options, **facts)

    async def assert_contract(
        self, own: str, others: frozenset[str], *, outcome: str = "verified", answers: bool = True, sure: bool = True
    ) -> None:
        """Ana is in the handler of `onExitRoom` now, or will be. `answers`: the server knows that she leaves.

        `others` are the reasons of which bo is told one (not `sure`: or none); empty: bo is not told of a leave.
        """
        exited = (await self.ana.until("event", "exitRoom"))["event"]
        await self.ana.until("inside")
        # 1: everybody is told, then the devices are released, then `onExitRoom` fires
        if self.bo is not None and others and sure:
            await self.journal.until_true(lambda: bool(self.leaves()))
        order = self.order()
        assert order[not sure and order[0] == "the others are told" :] == [
            *(["the others are told"] if answers and others and sure and self.bo else []),
            *(["the server lets go"] if answers else []),
            "onExitRoom",
            *(["the device opens again"] if self.reopens else []),
        ]
        assert [step["name"] for step in exited["report"]["steps"]] == ["notifying", "releasing", "closing"]
        # 3: the device can be opened again, by another process too
        assert {device["outcome"] for device in exited["report"].get("devices", ())} <= {outcome}
        assert is_free(self.camera.path)
        # 4: bounded
        assert exited["report"]["total"] < TOTAL
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
        assert (over["left"], over["tasks"]) == ([], [])

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


def token(user: str, expires: float | None = None) -> str:
    return make(KEY, "lobby", user, ALL_GRANTS, expires)


@asynccontextmanager
async def playing(ana: Leaver, camera: FakeCamera, **options: object) -> AsyncIterator[Case]:
    server = TellingServer(config=SignalingConfig(**{"grace": 5.0, "key": KEY, **options}))
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(server.listen())
        cable = await stack.enter_async_context(Cable(site.url).laid())
        camera.command("")
        try:
            yield Case(server, site, ana, camera, Journal(), cable, stack)
        except BaseException:
            ana.give_up()
            raise
        finally:
            camera.command("")


Act = Callable[[Case], Awaitable[None] | None]
Moment = Callable[[Case], Awaitable[None]]


@dataclass(frozen=True)
class Cause:
    """Why ana leaves: how it is brought about, and what she and the others are told."""

    act: Act
    own: str = "left"
    is_known: bool = True  # somebody is left to be told
    is_ours: bool = True  # ana wants it; else the server does

    @property
    def others(self) -> frozenset[str]:
        """What the others are told."""
        return frozenset({self.own}) if self.is_known else NOBODY


def do(cause: str) -> Act:
    return lambda case: case.ana.tell("cause", cause=cause)


async def kick(case: Case) -> None:
    assert await case.server.kick("lobby", "ana", "too loud")


async def dismiss(case: Case) -> None:
    assert await case.server.dismiss("lobby", "closing time")


async def replace(case: Case) -> None:
    await case.stack.enter_async_context(
        Peer(case.site.ws_url, room="lobby", user="ana", token=token("ana"), guard=False)
    )


async def shut_down(case: Case) -> None:
    await case.server._shut_down(case.server.app)


CAUSES = {
    "leave": Cause(do("leave")),
    "leave twice": Cause(do("leave twice")),
    "leave from many tasks": Cause(do("leave from many tasks")),
    "end of block": Cause(do("end of block")),
    "exception": Cause(do("exception"), "error"),
    "cancelled": Cause(do("cancelled")),
    "cancelled twice": Cause(do("cancelled twice")),
    "cancelled five times": Cause(do("cancelled five times")),
    "cancelled while leaving": Cause(do("cancelled while leaving")),
    "timeout": Cause(do("timeout")),
    "kick": Cause(kick, "kicked", is_ours=False),
    "dismiss": Cause(dismiss, "dismissed", is_known=False, is_ours=False),
    "replaced": Cause(replace, "replaced", is_ours=False),
    "server shut down": Cause(shut_down, "server_shutdown", is_known=False, is_ours=False),
}


async def alone(case: Case) -> None:
    case.enter()
    await case.ana.until("entered")
    case.ana.tell("publish")
    await case.ana.until("published")


async def negotiating(case: Case) -> None:
    await alone(case)
    await case.meet()
    await case.ana.until("event", "remoteUserJoin")


async def sending(case: Case) -> None:
    await alone(case)
    bo = await case.meet()
    async with asyncio.timeout(LIMIT):
        async for _ in bo.users["ana"].video.frames():
            return


async def muted(case: Case) -> None:
    await sending(case)
    case.ana.tell("mute")
    await case.ana.until("muted")


async def unreachable(case: Case) -> None:
    await sending(case)
    case.cable.cut()
    await case.ana.until("event", "connectionLost")


async def resuming(case: Case) -> None:
    await sending(case)
    case.cable.cut()
    await case.ana.until("event", "connectionLost")
    case.cable.mend()


async def opening(case: Case) -> None:
    case.camera.command("hang")
    await case.meet()
    case.enter()
    await case.ana.until("entered")
    case.ana.tell("publish")
    await case.ana.until("publishing")


async def exiting(case: Case) -> None:
    await sending(case)
    case.ana.tell("cause", cause="begin to leave")
    await case.ana.until("done")


MOMENTS = (alone, negotiating, sending, muted, unreachable, resuming, opening, exiting)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
@pytest.mark.parametrize("cause", CAUSES)
async def test_every_cause_at_every_moment(resident: Leaver, camera: FakeCamera, cause: str, moment: Moment) -> None:
    why = CAUSES[cause]
    async with playing(resident, camera) as case:
        await moment(case)
        await _done(why.act(case))
        if moment is opening:
            camera.command("")  # the driver returns
        if moment is unreachable and not why.is_ours:
            case.cable.mend()  # or ana would never know
        own, others = why.own, why.others
        if moment is exiting:
            own, others = "left", others | {"left"}  # whoever is heard first
        if moment is alone:
            others = NOBODY
        await case.assert_contract(
            own,
            others,
            answers=moment is not unreachable or not why.is_ours,
            sure=why.is_known or moment is not exiting,
        )


async def _done(result: Awaitable[None] | None) -> None:
    if result is not None:
        await result
