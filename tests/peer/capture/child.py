"""A program that captures on command: `child.py camera|microphone DEVICE [OPTIONS as JSON]`, commands on stdin.

It must run in a process of its own: the fake camera is preloaded, and ALSA reads its configuration once per process.
"""

import asyncio
import json
import os
import sys
import threading
import time

import av
import numpy as np

from peer.capture import (
    Camera,
    Capture,
    Frame,
    Kind,
    Microphone,
    Source,
    acquire,
    release_all,
    timecode,
)
from peer.capture.convert import plane_array
from peer.capture.handles import belonging, open_handles, peer_path
from peer.errors import DeviceError
from peer.events import DeviceRelease
from peer.testing.process import children

SOURCES: dict[str, type[Camera] | type[Microphone]] = {"camera": Camera, "microphone": Microphone}


def say(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)


class Child:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.captures: list[Capture] = []
        self.frames: asyncio.Queue[tuple[Frame, float]] = asyncio.Queue()  # and when it came, Unix time
        self.kept: list[Frame] = []
        self.task: asyncio.Task[None] | None = None

    def state(self) -> dict[str, object]:
        rule = belonging(self.source, {})
        held = [h.target for h in open_handles() or () if rule.owns(h.target, peer_path(h.number))]
        threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("exeunt ")]
        memory = [h.target for h in open_handles() or () if h.target.startswith("/memfd:exeunt")]
        return {"handles": held, "threads": threads, "processes": children(os.getpid()), "memory": memory}

    async def acquire(self, limit: str = "10") -> None:
        began = time.monotonic()
        try:
            capture = await acquire(self.source, limit=float(limit))
        except DeviceError as error:
            took = time.monotonic() - began
            say("failed", error=type(error).__name__, text=str(error), took=took, **self.state())
            return
        kind = capture.kinds[0]
        capture.subscribe(kind, self.take, lambda text: say("ended", text=text))
        self.captures.append(capture)
        say("opened", form=capture.format.describe(), took=time.monotonic() - began, **self.state())

    def take(self, frame: Frame) -> None:
        self.frames.put_nowait((frame, time.time()))

    async def begin(self) -> None:
        self.task = asyncio.create_task(self.acquire())
        say("begun")

    async def cancel(self) -> None:
        assert self.task is not None
        began = time.monotonic()
        self.task.cancel()
        await asyncio.wait({self.task})
        say("cancelled", is_cancelled=self.task.cancelled(), took=time.monotonic() - began, **self.state())

    async def pictures(self, count: str) -> None:
        *_, (_, came) = taken = [await self.frames.get() for _ in range(int(count))]
        frames = [frame for frame, _ in taken]
        codes = [timecode.read(plane_array(frame, 0)) for frame in frames if isinstance(frame, av.VideoFrame)]
        say(
            "pictures",
            codes=codes,
            age=None if codes[-1] is None else (int(came * 1000) - codes[-1]) % 2**32,
            stamps=[frame.pts for frame in frames],
            forms=sorted({f"{f.format.name} {f.width}x{f.height} {f.pict_type} {f.time_base}" for f in frames}),
        )

    async def sound(self, count: str) -> None:
        frames = [(await self.frames.get())[0] for _ in range(int(count))]
        left = np.concatenate([frame.to_ndarray().reshape(-1, 2)[:, 0] for frame in frames]).astype(float)
        spectrum = np.abs(np.fft.rfft(left * np.hanning(len(left))))
        say(
            "sound",
            peak=float(spectrum.argmax() * 48_000 / len(left)),
            stamps=[frame.pts for frame in frames],
            forms=sorted({f"{f.format.name} {f.layout.name} {f.samples} {f.rate} {f.time_base}" for f in frames}),
        )

    async def keep(self) -> None:
        self.kept = [(await self.frames.get())[0] for _ in range(3)]
        say("kept")

    async def look(self) -> None:
        codes = [timecode.read(plane_array(frame, 0)) for frame in self.kept if isinstance(frame, av.VideoFrame)]
        self.kept.clear()
        say("looked", codes=codes)

    async def release(self, limit: str = "5") -> None:
        cpu, began = time.process_time(), time.monotonic()
        self.released = self.captures.pop()
        released = await self.released.release(float(limit))
        took = time.monotonic() - began
        self.frames = asyncio.Queue()
        facts = {"outcome": released.outcome, "text": released.text, "took": took}
        say("released", cpu=time.process_time() - cpu, **facts, **self.state())

    async def release_again(self) -> None:
        self.captures.append(self.released)
        await self.release("5")

    async def release_all_while_the_loop_is_blocked(self) -> None:
        began = time.monotonic()
        released: list[DeviceRelease] = []
        thread = threading.Thread(target=lambda: released.extend(release_all(2.0)))
        thread.start()
        thread.join()
        facts = [(release.device, release.outcome) for release in released]
        say("released_all", took=time.monotonic() - began, outcomes=facts, **self.state())

    async def look_around(self) -> None:
        say("state", **self.state())


async def main() -> None:
    kind, device, *options = sys.argv[1:]
    child = Child(SOURCES[kind](device, **json.loads(options[0] if options else "{}")))
    assert Kind(child.source.kinds[0])
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode().split():
        command, *arguments = line
        await getattr(child, command)(*arguments)


if __name__ == "__main__":
    asyncio.run(main())
