"""Why one leaves: what brings it about, and what the leaver and the others are told."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from peer import Peer
from tests.exits.case import NOBODY, Case, token

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
    def known_by(self) -> str:
        """How the others' leave becomes known."""
        return "notice" if self.is_ours else "admin"

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


async def done(result: Awaitable[None] | None) -> None:
    """Wait for what takes a while."""
    if result is not None:
        await result
