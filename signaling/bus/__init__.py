"""How nodes of one cluster reach each other and what they share: a bus.

What a bus is asked for (claims, commits, posts) it does one after the other, however long it takes: what is asked for
while Redis cannot be reached waits. What it heard it tells its listener.
"""

from collections.abc import Sequence
from typing import Protocol

from signaling.cluster.acts import Beat, Claim, Claimed, Commit, Post
from signaling.cluster.wire import AnyFrame


class Listener(Protocol):
    """Who is told what a bus hears, on the loop."""

    def beat(self, beat: Beat) -> None:
        """This node was seen alive."""

    def claimed(self, claim: Claimed) -> None:
        """It is known who runs a room."""

    def committed(self, room: str, epoch: int, number: int, is_done: bool) -> None:
        """A commit was carried out, or refused."""

    def bus_changed(self, *, is_up: bool) -> None:
        """The others can be reached, or cannot any more."""

    def lagged(self, seconds: float) -> None:
        """Something that was received in this turn, or the one before, had been written so long before."""

    def received(self, sender: str, frames: Sequence[AnyFrame]) -> None:
        """Another node has said something."""


class Bus(Protocol):
    """One node's way to the others."""

    node: str

    @property
    def is_up(self) -> bool:
        """Whether it works now, as far as is known."""

    async def start(self, listener: Listener) -> None:
        """Begin. Raises `OSError` with a sentence if nobody is there."""

    def put(self, act: Claim | Commit | Post) -> None:
        """Ask for something, after all that was asked for before."""

    async def owner_of(self, room: str) -> str | None:
        """Return who runs a room, `None` if nobody does. Raises `OSError` if that cannot be known now."""

    async def be_seen(self) -> None:
        """Have the others know now that this node is alive, however long that takes; `beat` has been told by then."""

    async def close(self) -> None:
        """Do what was asked for, within bounds, be alive no more, and end. May be called twice."""
