"""One connection to Redis, by the package `redis`: what is asked first is answered first.

It is a bare connection of that package, without its pool and its repetitions: what counts between nodes is how soon
the next of them hears, and what is to be asked again after a failure, we know ourselves.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from redis.asyncio import ConnectionPool
from redis.exceptions import NoScriptError, RedisError, ResponseError

from signaling.bus import scripts

ANSWER_LIMIT = 1.5  # seconds for Redis to answer anything, connecting included
RETRY_MIN, RETRY_MAX = 0.05, 0.5  # seconds between two attempts to reach a Redis that is away; doubles
FAILURES = (RedisError, OSError)
OURS = {"socket_connect_timeout": ANSWER_LIMIT, "protocol": 2, "decode_responses": False}
FORM = "redis must look like redis://example.org:6379/0, with options that the package redis knows, if any"

Command = Sequence[str | bytes | int]

log = logging.getLogger(__name__)


class Line:
    """A connection that is made when something is asked, and anew when it broke.

    Raises `ValueError` with a sentence if the URL is none of a Redis.
    """

    def __init__(self, url: str) -> None:
        try:
            asked = ConnectionPool.from_url(url)  # of which we take how to connect alone
            self._connection = asked.connection_class(**asked.connection_kwargs | OURS)
        except (AttributeError, TypeError, ValueError, RedisError):  # their words may show a part of a password
            raise ValueError(FORM) from None
        self._asking = asyncio.Lock()

    async def ask(self, *commands: Command) -> list[Any]:
        """Have commands carried out in their order; return the answers.

        Raises one of `FAILURES` if Redis cannot be reached, does not answer in time, or refuses one of them. Either
        way, the others may have been carried out.
        """
        try:
            async with asyncio.timeout(ANSWER_LIMIT), self._asking:
                return await self._ask(commands)
        except TimeoutError:
            raise TimeoutError(f"no answer within {ANSWER_LIMIT:g} s") from None

    async def insist(self, *commands: Command) -> list[Any]:
        """Have commands carried out however long Redis is away; return the answers."""
        delay = RETRY_MIN
        while True:
            try:
                return await self.ask(*commands)
            except FAILURES as error:
                log.debug("Redis is away: %s", error)
            await asyncio.sleep(delay)
            delay = min(RETRY_MAX, 2 * delay)

    async def close(self) -> None:
        """Hang up. May be called twice."""
        async with self._asking:  # whoever asks has an answer, or none, within the limit
            await self._connection.disconnect()

    async def _ask(self, commands: Sequence[Command]) -> list[Any]:
        try:
            return await self._say(commands)
        except NoScriptError:  # it was started anew, or never met us: done twice is as after an answer that was lost
            await self._say([("SCRIPT", "LOAD", script) for script in scripts.ALL])
            return await self._say(commands)

    async def _say(self, commands: Sequence[Command]) -> list[Any]:
        said = self._connection.pack_commands(commands)
        await self._connection.send_packed_command(said)
        answers = [await self._hear() for _ in commands]
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    async def _hear(self) -> Any:
        try:
            return await self._connection.read_response()
        except ResponseError as refusal:  # the answers to the other commands are on their way all the same
            return refusal
