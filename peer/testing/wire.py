"""Orders to a browser over a WebSocket: JSON with numbers, answers, and events in between.

Chromium's DevTools and WebDriver BiDi have the same form; `devtools.py` and `bidi.py` know what is said in it.
"""

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

import aiohttp

ANSWER_LIMIT = 30.0  # seconds for an answer
CONNECT_LIMIT = 20.0  # seconds

Told = Callable[[str, dict[str, Any]], None]  # what an event is told with: its method and its parameters


class BrowserError(Exception):
    """The browser is missing, did not start, is gone, or would not do as it was told. The text says what to do."""


class Wire:
    """One connection to a browser. `close` may be called twice."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None

    async def open(self, url: str) -> None:
        """Connect to what a browser printed as its address. Raises `BrowserError`."""
        self._http = aiohttp.ClientSession(trust_env=False)
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                self._socket = await self._http.ws_connect(url, max_msg_size=0)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise BrowserError(f"the browser started but does not take orders: {error!r}") from error
        self._reader = asyncio.create_task(self._read(self._socket), name="orders to a browser")

    async def ask(self, method: str, params: dict[str, Any], **more: str) -> dict[str, Any]:
        """Give an order and return the answer. Raises `BrowserError` if it is refused, late, or the browser is gone."""
        if self._socket is None or self._socket.closed:
            raise BrowserError(f"the browser is gone: it cannot be asked for {method}")
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                await self._socket.send_json({"id": number, "method": method, "params": params, **more})
                return _result(method, await answer)
        except TimeoutError:
            raise BrowserError(f"the browser did not answer {method} within {ANSWER_LIMIT:g} s") from None
        except ConnectionError as error:
            raise BrowserError(f"the browser went away during {method}") from error
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Let the browser go on without orders."""
        reader, self._reader = self._reader, None
        http, self._http = self._http, None
        if self._socket is not None:
            await self._socket.close()
        if reader is not None:
            await asyncio.wait({reader})
        if http is not None:
            await http.close()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            said: dict[str, Any] = json.loads(frame.data)
            waiting = self._waiting.get(said.get("id", 0))
            if waiting is not None and not waiting.done():
                waiting.set_result(said)
            elif "method" in said:
                self._told(said["method"], said.get("params", {}))
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError("the browser is gone"))


def _result(method: str, answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        text = answer.get("message") or answer["error"]
        raise BrowserError(f"the browser refused {method}: {text}")
    result: dict[str, Any] = answer["result"]
    return result
