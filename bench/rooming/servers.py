"""The servers that are measured, each in processes of its own, on the first core where there are two."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tests.command import ROOT, Command
from tests.devices.tools import process

OURS, NODE, PYTHON = "exeunt", "Node socket.io", "python-socketio"
KINDS = (OURS, NODE, PYTHON)
HERE = Path(__file__).parent
MODULES = Path.home() / ".cache" / "exeunt-bench"
PACKAGES = ("socket.io@4", "@socket.io/redis-adapter@8", "redis@4")
INSTALL_LIMIT = 120.0  # seconds
START_LIMIT = 20.0  # seconds
LIMITS = (
    *("capacity", "message-rate", "join-rate", "connections-per-address", "max-connections", "max-rooms"),
    *("max-pending", "pending-per-address"),
)
# As the others, of which none has a limit and which ping every 25 seconds.
OPTIONS = ("--heartbeat", "25", "--capacity", "100000", *(word for name in LIMITS[1:] for word in (f"--{name}", "0")))


class Nodes(NamedTuple):
    """Servers that are one."""

    kind: str
    urls: Sequence[str]
    pids: Sequence[int]
    is_pinned: bool = True  # to one core, their clients to another

    @property
    def dialect(self) -> str:
        """What their clients speak."""
        return "exeunt" if self.kind == OURS else "socket.io"


def install() -> None:
    """Have npm fetch what Node needs, once. Must be called while the machine's own network is there."""
    if shutil.which("npm") is None or (MODULES / "node_modules" / "socket.io").exists():
        return
    MODULES.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", str(MODULES), "--no-audit", "--no-fund", "--silent", *PACKAGES]
    with contextlib.suppress(subprocess.TimeoutExpired):  # what is not there then is left out
        subprocess.run(command, timeout=INSTALL_LIMIT, check=False)


def missing(kind: str) -> str | None:
    """Say what is missing for a kind of server, None if nothing is."""
    if kind == NODE and (shutil.which("node") is None or not (MODULES / "node_modules" / "socket.io").exists()):
        return f"{kind}: left out, because node or its package socket.io is not installed"
    if kind == PYTHON and find_spec("socketio") is None:
        return f"{kind}: left out, because python-socketio is not installed"
    return None


def missing_for_cluster() -> str | None:
    """Say what is missing for several nodes, None if nothing is."""
    if shutil.which("redis-server") is None:
        return "three nodes: left out, because redis-server is not installed"
    command = [sys.executable, "-m", "peer.cli", "serve", "--help"]
    wide = {**_environment(), "COLUMNS": "200"}
    shown = subprocess.run(command, cwd=ROOT, env=wide, capture_output=True, timeout=START_LIMIT, check=False)
    return None if b"--redis" in shown.stdout else "three nodes: left out, because exeunt serve has no --redis"


@asynccontextmanager
async def serving(kind: str, count: int = 1, *, is_pinned: bool = True) -> AsyncIterator[Nodes]:
    """Start servers of a kind; several are joined by a Redis of their own. All on one core, or where they like."""
    core = _on_core(0) if is_pinned else ()
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(_redis(core)) if count > 1 else None
        programs = [await stack.enter_async_context(_program(kind, redis, core)) for _ in range(count)]
        urls = [await _address(kind, program) for program in programs]
        yield Nodes(kind, urls, [program.running.pid for program in programs], is_pinned)


async def measure(nodes: Nodes, task: str, **options: object) -> dict[str, object]:
    """Let a crowd do a task at these servers; return its figures."""
    words = (nodes.dialect, ",".join(map(str, nodes.pids)), task, json.dumps(options), *nodes.urls)
    core = _on_core(1) if nodes.is_pinned else ()
    command = (*core, sys.executable, "-m", "bench.rooming.crowd", *words)
    async with process(*command, environment=_environment(), stdout=asyncio.subprocess.PIPE) as running:
        out, _ = await running.communicate()
    if running.returncode != 0:
        raise RuntimeError(f"the crowd of {nodes.kind} could not do {task} {options}")
    figures: dict[str, object] = json.loads(out)
    return figures


@asynccontextmanager
async def _program(kind: str, redis: str | None, core: Sequence[str]) -> AsyncIterator[Command]:
    command = {
        OURS: (sys.executable, "-m", "peer.cli", "serve", "--port", "0", "--json", *OPTIONS),
        NODE: ("node", "--expose-gc", str(HERE / "server.cjs")),
        PYTHON: (sys.executable, "-m", "bench.rooming.server"),
    }[kind]
    if kind == OURS and redis is not None:
        command = (*command, "--redis", redis)
    environment = {**_environment(), "REDIS": redis or ""}
    async with process(*core, *command, environment=environment, stdout=asyncio.subprocess.PIPE) as running:
        yield Command(running)


async def _address(kind: str, program: Command) -> str:
    try:
        async with asyncio.timeout(START_LIMIT):
            return str((await program.until("join"))["text"])
    except (AssertionError, TimeoutError):
        raise RuntimeError(f"{kind} does not start") from None


@asynccontextmanager
async def _redis(core: Sequence[str]) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    async with process(*core, "redis-server", *options, stdout=asyncio.subprocess.DEVNULL):
        async with asyncio.timeout(START_LIMIT):
            while not await _answers(port):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
        yield f"redis://127.0.0.1:{port}"


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _on_core(number: int) -> tuple[str, ...]:
    if (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        return ()
    return ("taskset", "-c", str(number))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "NODE_PATH": str(MODULES / "node_modules")}
