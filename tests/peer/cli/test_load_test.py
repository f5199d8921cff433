"""`exeunt load-test` as its users meet it."""

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from signaling.server import SignalingServer
from tests.command import exeunt
from tests.signaling.client import PATIENCE

KEY = "a key of thirty-two letters, sure"
SMALL = ("--rooms", "2", "--users", "3", "--rate", "20", "--for", "0.5")


async def load_test(*arguments: str) -> tuple[int, str, str]:
    """Run it; return its status, and what it printed on standard output and standard error."""
    async with exeunt("load-test", *arguments) as command:
        status, out = await command.end()
        return status, out, command.errors


async def test_everybody_comes_in_speaks_and_leaves_and_all_of_it_is_measured(tmp_path: Path) -> None:
    plot = tmp_path / "plot.png"
    server = SignalingServer()
    async with server.listen() as site:
        status, out, _ = await load_test(site.ws_url, *SMALL, "--plot", str(plot), "--json")
        assert server.rooms() == []
    results, fact = map(json.loads, out.splitlines())
    assert status == 0
    assert (results["users"], results["missing"], results["errors"]) == (6, 0, {})
    assert results["notices"]["samples"] == 2 * (2 + 1)
    assert results["messages"]["samples"] > 50
    assert 0 < results["messages"]["median"] <= results["messages"]["p95"] <= results["messages"]["p99"]
    assert fact["type"] == "plot"
    assert plot.read_bytes().startswith(b"\x89PNG")


async def test_people_get_a_table() -> None:
    async with SignalingServer().listen() as site:
        status, out, _ = await load_test(site.ws_url, *SMALL)
    assert status == 0
    assert out.startswith("2 rooms of 3 users, each saying 20 messages a second for 0.5 s\n")
    for word in ("users who came in", "joins a second", "leave -> notice", "median", "p95", "p99"):
        assert word in out


async def test_a_server_with_a_key_wants_it_or_a_token() -> None:
    async with SignalingServer(key=KEY).listen() as site:
        status, out, _ = await load_test(site.ws_url, *SMALL, "--json")
        assert status == 1
        assert json.loads(out)["text"].endswith("give the server's --key, or a --token")
        status, out, _ = await load_test(site.ws_url, *SMALL, "--json", "--key", KEY)
        assert (status, json.loads(out)["users"]) == (0, 6)


async def test_who_is_refused_is_counted_and_the_others_go_on() -> None:
    async with SignalingServer(join_rate=4).listen() as site:
        status, out, _ = await load_test(site.ws_url, *SMALL, "--json")
    results = json.loads(out)
    assert (status, results["users"], results["missing"]) == (0, 4, 0)
    ((text, count),) = results["errors"].items()
    assert text.startswith("there are more than 4 joins a minute from 127.0.0.1: try again later; `exeunt serve ")
    assert count == 2


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("ws://127.0.0.1:1/ws",), 1, "nobody answers at ws://127.0.0.1:1/ws"),
        (("nonsense",), 2, "'nonsense' is no server address"),
        (("ws://127.0.0.1:1/ws", "--rooms", "20000"), 2, "100000 users are more than one process can be"),
        (("ws://127.0.0.1:1/ws", "--plot", "/dev/null/plot.png"), 2, "no plot can be written to /dev/null/plot.png"),
        (("ws://127.0.0.1:1/ws", "--rate", "-1"), 2, "--rate"),
    ],
)
async def test_what_cannot_be_is_said_in_one_line(arguments: tuple[str, ...], status: int, text: str) -> None:
    ended, out, _ = await load_test(*arguments, "--json")
    assert ended == status
    (line,) = out.splitlines()
    assert text in json.loads(line)["text"]


async def test_ctrl_c_leaves_nobody_behind() -> None:
    server = SignalingServer(grace=0)
    async with server.listen() as site:
        async with exeunt("load-test", site.ws_url, "--rooms", "2", "--users", "3", "--for", "60") as command:
            await _until(lambda: sum(len(room.users) for room in server.rooms()) == 6)
            command.signal(signal.SIGINT)
            status, _ = await command.end()
        assert status == 130
        await _until(lambda: not server.rooms())


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(4 * PATIENCE):
        while not is_so():  # noqa: ASYNC110 - another process brings it about
            await asyncio.sleep(0.02)
