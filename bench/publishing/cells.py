"""Measures one publisher with so many viewers: started, warmed up, counted, ended."""

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.publishing import figures, processes
from bench.publishing.footage import Footage
from bench.publishing.programs import Program, module, program
from signaling.server import SignalingServer

SYSTEM_PYTHON = "/usr/bin/python3"  # where Debian's gi is
ROOM, USER = "bench", "publisher"
WARM = 3.0  # seconds
START_LIMIT, START_LIMIT_EACH = 25.0, 0.5  # seconds for every viewer to see frames; and more for each of them
ANSWER_LIMIT = 10.0  # seconds for the viewers to say what they have
POLL = 0.1  # seconds
FEW = 3  # frames that a viewer must have seen
ROOM_FOR = 3  # what viewers let our own and Chromium's sender send, in bitrates: neither is to hold back
PUBLISHERS = ("exeunt", "aiortc", "chromium", "gstreamer")
FED = ("aiortc", "gstreamer")  # read a pipe: they have no loop of their own that keeps the pace
FLOOR = "floor"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    *(("--no-sandbox",) if os.geteuid() == 0 else ()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be measured."""

    publisher: str
    codec: str
    viewers: int
    run: int
    seconds: float
    bitrate: int
    footage: Footage
    folder: Path

    @property
    def warm(self) -> float:
        """Seconds from the first frames at every viewer to the beginning of what is counted."""
        return min(WARM, self.seconds)


def missing(publisher: str) -> str:
    """Say what this machine lacks for a publisher; empty if nothing."""
    if publisher == "chromium" and CHROMIUM is None:
        return "Chromium is not installed"
    if publisher == "gstreamer":
        check = "import gi; gi.require_version('GstWebRTC', '1.0'); from gi.repository import Gst; Gst.init(None); "
        check += "assert all(map(Gst.ElementFactory.find, ('webrtcbin', 'nicesrc', 'x264enc', 'vp8enc', 'opusenc')))"
        command = [SYSTEM_PYTHON, "-c", check]
        if subprocess.run(command, check=False, capture_output=True, timeout=ANSWER_LIMIT).returncode:
            return "GStreamer with webrtcbin, x264enc, vp8enc and Python's gi is not installed"
    return ""


async def measure(job: Job) -> figures.Cell:
    """Measure one cell; a publisher that does not get as far gives one with an error."""
    try:
        return await (_floor(job) if job.publisher == FLOOR else _counted(job))
    except (TimeoutError, EOFError, ConnectionError) as error:
        return _cell(job, error=str(error) or "it did not start in time")


async def _floor(job: Job) -> figures.Cell:
    command = module("floor", job.footage.video, job.codec, job.bitrate, job.warm, job.seconds)
    before, since = processes.busy(), time.monotonic()
    async with program(*command, errors=job.folder / "floor.log", talks=True) as floor:
        found = json.loads(await floor.line(job.warm + job.seconds + START_LIMIT))
        memory = 0.0 if floor.running.returncode is not None else floor.tree.memory()
    others = (processes.busy() - before) / (time.monotonic() - since) - found["cpu"]
    frames = found["fps"]
    return _cell(
        job, cpu=found["cpu"], frames=frames, worst=frames, kilobits=found["kbit"], memory=memory, others=others
    )


async def _counted(job: Job) -> figures.Cell:
    async with viewers(job) as (they, address), publisher(job, address) as (began, sender, helpers):
        await _until_seen(job, they, sender)
        await asyncio.sleep(job.warm)
        first = await _look(they, sender, helpers)
        await asyncio.sleep(job.seconds)
        last = await _look(they, sender, helpers)
        return _difference(job, began, first, last, sender.tree.memory())


@asynccontextmanager
async def viewers(job: Job) -> AsyncIterator[tuple[Program, str]]:
    """Have the viewers ready, in a room for our own publisher; yield them and the address to publish at."""
    log = job.folder / "viewers.log"
    remb = job.bitrate * (1 if job.publisher == "aiortc" else ROOM_FOR)  # aiortc sends all that is allowed
    async with AsyncExitStack() as stack:
        room: tuple[str, ...] = ()
        if job.publisher == figures.OURS:
            server = SignalingServer(capacity=job.viewers + 1)
            site = await stack.enter_async_context(server.listen())
            room = (f"ws{site.url[4:]}/ws", USER)
        command = module("viewers", job.viewers, job.codec, remb, *room)
        they = await stack.enter_async_context(program(*command, errors=log, talks=True))
        said = json.loads(await they.line(START_LIMIT + START_LIMIT_EACH * job.viewers))
        yield they, room[0] if room else said


@asynccontextmanager
async def publisher(job: Job, address: str) -> AsyncIterator[tuple[float, Program, list[Program]]]:
    """Start the publisher; yield when that was, itself, and what feeds it."""
    async with AsyncExitStack() as stack:
        helpers = []
        pipe = job.folder / f"camera-{job.publisher}-{job.viewers}-{job.run}"
        if job.publisher in FED:
            os.mkfifo(pipe)
            feeder = module("feeder", job.footage.video, pipe)
            helpers.append(await stack.enter_async_context(program(*feeder, errors=job.folder / "feeder.log")))
        began = time.monotonic()
        command = _command(job, address, pipe)
        sender = await stack.enter_async_context(program(*command, errors=job.folder / "publisher.log"))
        yield began, sender, helpers


def _command(job: Job, address: str, pipe: Path) -> tuple[str, ...]:
    video, audio = job.footage.video, job.footage.audio
    match job.publisher:
        case "exeunt":
            return module("pub_exeunt", address, ROOM, USER, job.codec, job.bitrate, video, audio)
        case "aiortc":
            return module("pub_aiortc", address, job.viewers, job.codec, pipe, audio)
        case "gstreamer":
            settings = (address, job.viewers, job.codec, job.bitrate, pipe)
            return module("pub_gstreamer", *settings, python=SYSTEM_PYTHON)
        case _:
            return (
                str(CHROMIUM),
                *CHROMIUM_FLAGS,
                "--use-fake-device-for-media-stream=fps=30",
                f"--use-file-for-fake-video-capture={video}",
                f"--use-file-for-fake-audio-capture={audio}",
                f"--user-data-dir={job.folder / f'profile-{job.viewers}-{job.run}'}",
                f"{address}/?codec={job.codec}&count={job.viewers}&bitrate={job.bitrate}",
            )


async def _until_seen(job: Job, they: Program, sender: Program) -> None:
    """Return when every viewer has seen a few frames; at the latest after a time, if then at least one has."""
    deadline = time.monotonic() + START_LIMIT + START_LIMIT_EACH * job.viewers
    while True:
        seen = [viewer["frames"] >= FEW for viewer in (await they.ask(ANSWER_LIMIT))["viewers"]]
        is_late = time.monotonic() > deadline
        if all(seen) or (is_late and any(seen)):
            return
        if is_late:
            raise TimeoutError
        if sender.running.returncode is not None:
            raise EOFError(sender.last_words())
        await asyncio.sleep(POLL)


async def _look(they: Program, sender: Program, helpers: list[Program]) -> dict[str, Any]:
    """Return what the viewers have, and the CPU time of everybody, now."""
    return {
        "at": time.monotonic(),
        "publisher": sender.tree.cpu(),
        "busy": processes.busy(),
        "ours": time.process_time() + sum(helper.tree.cpu() for helper in helpers),
        "counts": await they.ask(ANSWER_LIMIT),
    }


def _difference(job: Job, began: float, first: dict[str, Any], last: dict[str, Any], memory: float) -> figures.Cell:
    took = last["at"] - first["at"]
    before, after = first["counts"], last["counts"]
    watched = after["at"] - before["at"]

    def gained(what: str) -> list[float]:
        pairs = zip(before["viewers"], after["viewers"], strict=True)
        return [(later[what] - earlier[what]) / watched for earlier, later in pairs]

    cpu, ours = ((last[who] - first[who]) / took for who in ("publisher", "ours"))
    viewers_cpu = (after["cpu"] - before["cpu"]) / watched
    return _cell(
        job,
        cpu=cpu,
        frames=figures.percentile(gained("frames"), 0.5),
        worst=min(gained("frames")),
        kilobits=figures.percentile(gained("bytes"), 0.5) * 8 / 1000,
        memory=memory,
        start=min(viewer["first"] for viewer in after["viewers"] if viewer["first"] is not None) - began,
        others=max((last["busy"] - first["busy"]) / took - cpu - ours - viewers_cpu, 0.0),
        viewers_cpu=viewers_cpu,
        said=next(iter(after["said"]), ""),
    )


def _cell(job: Job, **found: Any) -> figures.Cell:
    names = ("cpu", "frames", "worst", "kilobits", "memory", "start", "others", "viewers_cpu")
    values = {name: found.get(name, 0.0) for name in names}
    return figures.Cell(
        publisher=job.publisher,
        codec=job.codec,
        viewers=job.viewers,
        run=job.run,
        said=found.get("said", ""),
        error=found.get("error", ""),
        **values,
    )
