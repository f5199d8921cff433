"""A program that publishes on command: `publisher.py camera|microphone DEVICE [OPTIONS as JSON]`, commands on stdin.

It says what happens to the source, and whenever what one viewer gets turns from pictures to black and back. It must run
in a process of its own, as the fake camera is preloaded. Options: `stall_after`, `dev` (a folder in the place of /dev).
"""

import asyncio
import json
import sys
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
from aiortc.mediastreams import MediaStreamError

from peer.capture import Camera, Microphone, Source
from peer.capture.handles import belonging, open_handles, peer_path
from peer.capture.identity import ROOTS, Roots
from peer.media.fanout import StubTrack
from peer.publishing import Publication, Publishing, SourceEvent

SOURCES: dict[str, type[Camera] | type[Microphone]] = {"camera": Camera, "microphone": Microphone}


def say(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)


class Publisher:
    def __init__(self, source: Source, *, stall_after: float, roots: Roots) -> None:
        self.source = source
        self.publishing = Publishing(self.happened, stall_after=stall_after, roots=roots)
        self.viewer = asyncio.create_task(self.view(self.publishing.fanouts[source.kinds[0]].attach()))
        self.publication: Publication | None = None

    @staticmethod
    def happened(event: SourceEvent) -> None:
        facts = msgspec.to_builtins(event)
        say(facts.pop("type"), **facts)

    async def view(self, track: StubTrack) -> None:
        """Say when the frames turn from the device's own to what is sent in its place, and when they turn back."""
        shown, last = "", -1
        try:
            while True:
                frame = await track.recv()
                array = frame.to_ndarray()
                now = (
                    "filled"
                    if not array.any() or (track.kind == "video" and set(np.unique(array)) == {16, 128})
                    else "own"
                )
                if now != shown:
                    say(now, rises=frame.pts > last, size=[getattr(frame, "width", 0), getattr(frame, "height", 0)])
                shown, last = now, frame.pts
        except MediaStreamError:
            say("viewed")

    async def publish(self) -> None:
        self.publication = await self.publishing.publish(self.source, None)
        say("published", publication=repr(self.publication))

    async def look(self) -> None:
        publications = self.publishing.publications
        say("looked", publications=len(publications), lost=sum(one.is_lost for one in publications), **self.state())

    async def block(self) -> None:
        """Do what no program should: hold up the loop, for longer than the camera may be silent."""
        time.sleep(1.0)  # noqa: ASYNC251 - the very thing
        await asyncio.sleep(0)
        await self.look()

    async def unpublish(self) -> None:
        assert self.publication is not None
        released = await self.publishing.unpublish(self.publication)
        say("unpublished", device=released.device, outcome=released.outcome, **self.state())

    async def close(self) -> None:
        began = asyncio.get_running_loop().time()
        releases = await self.publishing.close()
        took = asyncio.get_running_loop().time() - began
        await self.viewer
        tasks = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        facts = [[release.device, release.outcome] for release in releases]
        texts = [release.text for release in releases]
        say("closed", devices=facts, texts=texts, took=took, tasks=tasks, **self.state())

    def state(self) -> dict[str, object]:
        rule = belonging(self.source, {})
        held = [h.target for h in open_handles() or () if rule.owns(h.target, peer_path(h.number))]
        threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("exeunt ")]
        return {"handles": held, "threads": threads}


async def main() -> None:
    kind, device, *rest = sys.argv[1:]
    options = json.loads(rest[0] if rest else "{}")
    roots = Roots(dev=Path(options["dev"])) if "dev" in options else ROOTS
    publisher = Publisher(SOURCES[kind](device), stall_after=options.get("stall_after", 3.0), roots=roots)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while command := (await lines.readline()).decode().strip():
        await getattr(publisher, command)()


if __name__ == "__main__":
    asyncio.run(main())
