"""What is tried in the guest, in its order; each finding is a JSON line on stdout, and an exception is a finding too.

The machine is emulated and slow: nothing here is about speed, but every wait is bounded.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from peer import DeviceError, Peer
from peer.capture import Camera, Capture, Frame, Kind, Microphone, acquire, alsa
from peer.capture.handles import open_handles
from signaling.server import SignalingServer
from tests.vm.vivid import second_user, switch

LIMIT = 60.0  # seconds for anything that is waited for
DEVICE = "/dev/video0"
SMALL = Camera(DEVICE, width=320, height=180, fps=15)
TINY = Camera(DEVICE, width=160, height=90, fps=5)
LOOPBACK = "hw:Loopback,1,0"
STATUS = Path("/proc/asound/card0/pcm1c/sub0/status")
TONE, RATE = 440.0, 48_000
CALLS = 20
BUSY = """
import asyncio
from peer.capture import Camera, acquire
from peer.errors import DeviceError
try:
    asyncio.run(acquire(Camera("/dev/video0", width=320, height=180)))
except DeviceError as error:
    print(type(error).__name__, error)
"""


async def frames_of(capture: Capture, count: int) -> list[Frame]:
    """Return the next frames of a capture."""
    got: list[Frame] = []
    enough = asyncio.Event()

    def take(frame: Frame) -> None:
        got.append(frame)
        if len(got) >= count:
            enough.set()

    stop = capture.subscribe(capture.kinds[0], take)
    async with asyncio.timeout(LIMIT):
        await enough.wait()
    stop()
    return got


async def end_of(capture: Capture, cause: Callable[[], None]) -> str | None:
    """Let something happen to a device that runs; return what is said when it ends."""
    ended: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    capture.subscribe(capture.kinds[0], lambda _: None, ended.set_result)
    cause()
    async with asyncio.timeout(LIMIT):
        return await ended


def camera_handles() -> int:
    """Count this process's open handles of the camera."""
    return sum(handle.target == DEVICE for handle in open_handles() or ())


def try_to_open() -> str:
    """Open the camera in another process; return what that says."""
    command = [sys.executable, "-c", BUSY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    return done.stdout.strip() or done.stderr[-500:]


async def camera() -> dict[str, object]:
    capture = await acquire(SMALL)
    frames = await frames_of(capture, 12)
    pictures = [frame.to_ndarray() for frame in frames]
    meanwhile = second_user()
    other = await asyncio.to_thread(try_to_open)
    release = await capture.release()
    return {
        "form": capture.format.describe(),
        "moves": any((one != pictures[0]).any() for one in pictures[1:]),
        "meanwhile": meanwhile,
        "other": other,
        "pid": os.getpid(),
        "outcome": release.outcome,
        "took": release.took,
        "afterwards": second_user(),
        "handles": camera_handles(),
        "kept": [int(frame.to_ndarray().mean()) for frame in frames],  # ours: the driver's memory is gone
    }


def play() -> None:
    """Play a tone into the other end of the loopback until ended: in another process, whose handles are not ours."""
    alsa.prepare()
    block = 480
    with av.open("hw:Loopback,0,0", "w", format="alsa") as speaker:
        stream = speaker.add_stream("pcm_s16le", rate=RATE, layout="stereo")
        at = 0
        while True:
            wave = 8000 * np.sin(2 * np.pi * TONE * np.arange(at, at + block) / RATE)
            frame = av.AudioFrame.from_ndarray(wave.astype(np.int16).repeat(2)[None], format="s16", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            speaker.mux(stream.encode(frame))
            if at == 0:
                print("playing", flush=True)
            at += block


async def microphone() -> dict[str, object]:
    command = [sys.executable, __file__, "play"]
    player = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: ASYNC220 - the loop has nothing else to do
    assert player.stdout is not None
    await asyncio.wait_for(asyncio.to_thread(player.stdout.readline), LIMIT)
    capture = await acquire(Microphone(LOOPBACK), limit=LIMIT)
    frames = await frames_of(capture, 60)
    state = STATUS.read_text().split()
    release = await capture.release()
    closed = STATUS.read_text().strip()
    player.kill()
    player.wait()
    sound = np.concatenate([frame.to_ndarray().reshape(-1, 2)[:, 0] for frame in frames]).astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    peak = float(spectrum[5:].argmax() + 5) * RATE / len(sound)
    return {"state": state[1], "outcome": release.outcome, "closed": closed, "peak": peak, "took": release.took}


async def stalled() -> dict[str, object]:
    capture = await acquire(SMALL)
    await frames_of(capture, 3)
    switch("Percentage of Dropped Buffers", 100)
    quiet = await asyncio.to_thread(_goes_quiet, capture)
    release = await capture.release()
    switch("Percentage of Dropped Buffers", 0)
    return {"quiet": quiet, "outcome": release.outcome, "took": release.took, "afterwards": second_user()}


def _goes_quiet(capture: Capture) -> bool:
    """Whether no frame comes for a second, within the limit."""
    came = threading.Event()
    loop = asyncio.new_event_loop()

    async def watch() -> bool:
        stop = capture.subscribe(Kind.VIDEO, lambda _: came.set())
        try:
            deadline = loop.time() + LIMIT
            while loop.time() < deadline:
                came.clear()
                await asyncio.sleep(1.0)
                if not came.is_set():
                    return True
            return False
        finally:
            stop()

    try:
        return loop.run_until_complete(watch())
    finally:
        loop.close()


async def fatal_error() -> dict[str, object]:
    capture = await acquire(SMALL)
    text = await end_of(capture, lambda: switch("Inject Fatal Streaming Error", 1))
    release = await capture.release()
    again = await acquire(SMALL)
    frames = await frames_of(again, 2)
    return {
        "text": text,
        "outcome": release.outcome,
        "again": len(frames),
        "second": (await again.release()).outcome,
        "handles": camera_handles(),
    }


async def unplugged() -> dict[str, object]:
    capture = await acquire(SMALL)
    text = await end_of(capture, lambda: switch("Disconnect", 1))
    release = await capture.release()
    again = await acquire(SMALL)
    frames = await frames_of(again, 2)
    return {"text": text, "outcome": release.outcome, "again": len(frames), "second": (await again.release()).outcome}


async def isolated() -> dict[str, object]:
    capture = await acquire(Camera(DEVICE, width=320, height=180, fps=15, isolation="process"), limit=LIMIT)
    frames = await frames_of(capture, 3)
    helpers = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    ours = camera_handles()
    release = await capture.release(5.0)
    return {
        "frames": len(frames),
        "ours": ours,
        "outcome": release.outcome,
        "took": release.took,
        "gone": not any(Path(f"/proc/{pid}").exists() for pid in helpers),
        "afterwards": second_user(),
    }


async def call() -> dict[str, object]:
    """One call in which the camera is published and taken back again and again, and is unplugged in the end."""
    outcomes: list[str] = []
    async with (
        SignalingServer().listen() as site,
        Peer(site.ws_url, room="vm", user="bo", heartbeat=60.0) as bo,
        Peer(site.ws_url, room="vm", user="ana", heartbeat=60.0) as ana,
    ):
        seen = bo.users["ana"] if "ana" in bo.users else await _arrival(bo)
        for _ in range(CALLS):
            await ana.publish(TINY)
            await _next_picture(seen)
            outcomes.append((await ana.unpublish(TINY)).outcome)
        lost, back = asyncio.Event(), asyncio.Event()
        ana.on_device_lost(lambda _: lost.set())
        ana.on_device_back(lambda _: back.set())
        await ana.publish(TINY)
        await _next_picture(seen)
        switch("Disconnect", 1)
        async with asyncio.timeout(LIMIT):
            await lost.wait()
            await back.wait()
        await _next_picture(seen)
        report = await ana.leave()
    return {
        "outcomes": outcomes,
        "devices": [device.outcome for device in report.devices],
        "afterwards": second_user(),
    }


async def _arrival(peer: Peer) -> object:
    arrived = asyncio.Event()
    peer.on_remote_user_join(lambda _: arrived.set())
    async with asyncio.timeout(LIMIT):
        await arrived.wait()
    return peer.users["ana"]


async def _next_picture(user: object) -> None:
    async with asyncio.timeout(LIMIT):
        async for _ in user.video.frames():
            return


FINDINGS: tuple[Callable[[], Awaitable[dict[str, object]]], ...] = (
    camera,
    microphone,
    stalled,
    fatal_error,
    unplugged,
    isolated,
    call,
)


async def main() -> None:
    wanted = sys.argv[1:]
    for find in FINDINGS:
        if wanted and find.__name__ not in wanted:
            continue
        began = time.monotonic()
        try:
            found = await find()
        except (Exception, DeviceError) as error:
            found = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()[-1500:]}
        line = json.dumps({"finding": find.__name__, "seconds": round(time.monotonic() - began, 1), **found})
        os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    if sys.argv[1:] == ["play"]:
        play()
    asyncio.run(main())
