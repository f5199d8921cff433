"""What this node asks of others for a program, and the answers that it waits for."""

import asyncio
import secrets

import msgspec

from signaling.calls import Told
from signaling.cluster.wire import Asked
from signaling.members import RoomStatus


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a call, on its way from the owner to whoever asked."""

    told: Told | None = None
    is_so: bool = False
    rooms: list[RoomStatus] = []
    code: str | None = None  # why it cannot be
    text: str = ""
    epoch: int = 0  # of the room, when it agreed to let somebody in; 0: nobody was in it


class Asking:
    """All calls of the node called `home` that are not answered yet. On the event loop."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._waiting: dict[str, asyncio.Future[Outcome]] = {}

    def form(self, room: str, call: str, arguments: dict[str, object]) -> Asked:
        """Return a call of a room, or of a node itself. Send it and `wait` in one turn of the loop."""
        text = msgspec.json.encode(arguments)
        return Asked(room=room, home=self._home, id=secrets.token_hex(8), call=call, arguments=text)

    async def wait(self, asked: Asked, limit: float) -> Outcome | None:
        """Return what came of a call, `None` if there is no answer within `limit` seconds."""
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting[asked.id] = answer
        try:
            async with asyncio.timeout(limit):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._waiting[asked.id]

    def answered(self, id: str, outcome: Outcome) -> None:  # noqa: A002 - the word of the wire
        """Take in an answer; one that nobody waits for any more is too late."""
        future = self._waiting.get(id)
        if future is not None and not future.done():
            future.set_result(outcome)
