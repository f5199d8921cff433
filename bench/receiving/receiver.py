"""Receives what `sender.py` sends, and says in one line of JSON what that cost and when it came.

    python -m bench.receiving.receiver exeunt|aiortc nobody|tap|record|numpy|play SECONDS [LOSS JITTER [STILL]]

With LOSS (a share of packets) and JITTER (seconds) it is behind a bad link once it is connected. With STILL the link
stands still for so many seconds, `BEFORE` seconds later, and then delivers all at once.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.receiving.link import Link
from bench.receiving.ours import Ours
from bench.receiving.theirs import Theirs

WARM = 2.0  # seconds from the connection to where counting begins
BEFORE = 4.0  # seconds from there until the link stands still: what the beginning held up is over
CONNECT_LIMIT = 40.0  # seconds
LINE = 1 << 20  # bytes


@asynccontextmanager
async def sending(kind: str, answer: Callable[[str], Awaitable[str]]) -> AsyncIterator[None]:
    """Have a sender connect, in a process of its own."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "bench.receiving.sender", kind)
    sender = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=LINE)
    assert sender.stdin is not None
    assert sender.stdout is not None
    try:
        async with asyncio.timeout(CONNECT_LIMIT):
            sdp = json.loads(await sender.stdout.readline())
            sender.stdin.write(f"{json.dumps(await answer(sdp))}\n".encode())
        yield
    finally:
        sender.kill()
        await sender.wait()


async def main(who: str, how: str, seconds: float, loss: float, jitter: float, still: float) -> None:
    """Receive for so long."""
    is_sound, is_bad = how == "play", bool(loss or jitter or still)
    one = Ours("audio" if is_sound else "video") if who == "exeunt" else Theirs()
    kind = "sound" if is_sound else "live" if is_bad else "film"
    with TemporaryDirectory() as folder:
        async with sending(kind, one.answer):
            async with asyncio.timeout(CONNECT_LIMIT):
                await one.connected.wait()
            reading = asyncio.create_task(one.read(how, Path(folder)))
            await asyncio.sleep(WARM)
            link = Link(one.pc.getTransceivers()[0].receiver.transport.transport, loss, jitter) if is_bad else None
            print(json.dumps(await measured(one, seconds, link, still)), flush=True)
            reading.cancel()
            await asyncio.wait({reading})
            if link is not None:
                link.close()
            await one.close()


async def measured(one: Ours | Theirs, seconds: float, link: Link | None, still: float) -> dict[str, object]:
    """Look at a receiver for so long; times are seconds since then, `delays` such times and how late sound was."""
    began, cpu = time.monotonic(), time.process_time()
    if link is not None and still:
        await asyncio.sleep(BEFORE)
        link.hold()
        await asyncio.sleep(still)
        link.let_go()
    freed = time.monotonic()
    await asyncio.sleep(began + seconds - freed)
    cost, ended = time.process_time() - cpu, time.monotonic()
    shown = [at - began for at in one.shown if began <= at <= ended]
    delays = [(at - began, late) for at, late in one.player.heard if began <= at <= ended]
    return {"seconds": ended - began, "cpu": cost, "shown": shown, "freed": freed - began, "delays": delays}


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], *(float(one) for one in [*sys.argv[3:], "0", "0", "0"][:4])))
