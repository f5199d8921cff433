"""What one received picture costs, and how long it stands still over a bad link: ours against plain aiortc.

    python -m bench receive --json

Cost is of 1280x720 at 30 per second (H.264), in CPU seconds of the receiver per second: with nobody reading, with the
whole frames taken as they are ("tap"; aiortc has no such thing), recorded to a file (by our `Recorder`; by aiortc's
`MediaRecorder`, which encodes anew), and with numpy arrays read. Plain aiortc decodes in any case. Bad links are of
VP8, with so much loss each way and up to 50 ms that a packet is late: a picture stands still where no new one comes for
150 ms beyond its time.

Sound is played as it comes, by somebody who has 80 ms ready, as a sound card does. Its link stands still for a second
and then delivers everything at once: how late sound is when it is heard, before, at worst and in the end, and how long
it takes until it is no more than 40 ms later than before.
"""

import asyncio
import json
import math
import statistics
import sys
from dataclasses import asdict, dataclass
from itertools import pairwise

from rich.console import Console
from rich.table import Table

from bench.publishing.footage import FPS
from bench.publishing.programs import ROOT
from bench.receiving.bursts import Recovery, recovery
from bench.receiving.receiver import BEFORE

RUNS = 2
SECONDS, BAD_SECONDS, SOUND_SECONDS = 5.0, 12.0, 14.0
LIMIT = 120.0  # seconds for one program, besides
READERS = ("nobody", "tap", "record", "numpy")
LOSSES = (0.01, 0.05, 0.1)  # shares of packets, each way
JITTER = 0.05  # seconds
FROZEN = 0.15  # seconds beyond its time after which a picture stands still
STILL = 1.0  # seconds that a link stands still
SOUND_LOSSES = (0.0, 0.05)
WHO = ("exeunt", "aiortc")


@dataclass(frozen=True, slots=True)
class Job:
    """One receiver on one link."""

    who: str
    how: str
    loss: float = 0.0
    jitter: float = 0.0
    still: float = 0.0  # seconds that the link stands still

    @property
    def seconds(self) -> float:
        """For how long it is looked at."""
        if self.still:
            return SOUND_SECONDS
        return BAD_SECONDS if self.loss or self.jitter else SECONDS


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a job: seconds of CPU per second, pictures per second, and seconds that they stood still.

    `sound` is how late sound was that was played.
    """

    job: Job
    cpu: float
    fps: float
    frozen: float
    longest: float
    sound: Recovery | None


async def run(*, runs: int, as_json: bool) -> None:
    """Measure all and print it."""
    measured: dict[Job, list[Measured]] = {}
    for _ in range(runs):
        for job in jobs():
            measured.setdefault(job, []).append(await _measure(job))
            if as_json:
                print(json.dumps({"type": "receive", **asdict(measured[job][-1])}), flush=True)
    if not as_json:
        _show(measured)


def jobs() -> list[Job]:
    """Return what is measured in one run, ours and theirs in turns."""
    costs = [Job(who, how) for how in READERS for who in WHO if (who, how) != ("aiortc", "tap")]
    bad = [Job(who, "numpy", loss, JITTER) for loss in LOSSES for who in WHO]
    return [*costs, *bad, *(Job(who, "play", loss, 0.0, STILL) for loss in SOUND_LOSSES for who in WHO)]


def frozen(shown: list[float], seconds: float) -> tuple[float, float]:
    """Return how long the picture stood still, in all and at most, given when pictures came."""
    gaps = [after - before for before, after in pairwise([0.0, *shown, seconds])]
    return sum(gap for gap in gaps if gap > 1 / FPS + FROZEN), max(gaps)


async def _measure(job: Job) -> Measured:
    command = (sys.executable, "-m", "bench.receiving.receiver", job.who, job.how)
    numbers = [str(one) for one in (job.seconds, job.loss, job.jitter, job.still)]
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    program = await asyncio.create_subprocess_exec(*command, *numbers, stdout=pipe, stderr=nothing, cwd=ROOT)
    try:
        async with asyncio.timeout(job.seconds + LIMIT):
            said, _ = await program.communicate()
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    if not said:
        sys.exit(f"the receiver {job} ended without a word: run `{' '.join(['python', *command[1:], *numbers])}`")
    one = json.loads(said)
    still, longest = frozen(one["shown"], one["seconds"])
    sound = recovery(one["delays"], BEFORE, one["freed"]) if job.still else None
    return Measured(job, one["cpu"] / one["seconds"], len(one["shown"]) / one["seconds"], still, longest, sound)


def _show(measured: dict[Job, list[Measured]]) -> None:
    _show_pictures({job: each for job, each in measured.items() if not job.still})
    _show_sound({job: [one.sound for one in each if one.sound] for job, each in measured.items() if job.still})


def _show_sound(measured: dict[Job, list[Recovery]]) -> None:
    table = Table(title=f"sound whose link stood still for {STILL:g} s, medians")
    for title in ("", "loss", "late before", "at worst", "in the end", "back after"):
        table.add_column(title, justify="left" if not title else "right")
    for job, each in measured.items():
        before, worst, after = (
            statistics.median(getattr(one, of) for one in each) for of in ("before", "worst", "after")
        )
        times = sorted(math.inf if one.back is None else one.back for one in each)
        back = statistics.median_high(times)
        late = (f"{seconds * 1000:.0f} ms" for seconds in (before, worst, after))
        table.add_row(job.who, f"{job.loss:.0%}", *late, "never" if math.isinf(back) else f"{back:.1f} s")
    Console().print(table)


def _show_pictures(measured: dict[Job, list[Measured]]) -> None:
    table = Table(title=f"one picture received, medians of {len(next(iter(measured.values())))} runs")
    for title in ("", "reads", "loss", "jitter", "cpu s/s", "fps", "stood still", "at most"):
        table.add_column(title, justify="left" if title in ("", "reads") else "right")
    for job, each in measured.items():
        cpu, fps, still, longest = (
            statistics.median(getattr(one, name) for one in each) for name in ("cpu", "fps", "frozen", "longest")
        )
        link = (f"{job.loss:.0%}", f"{job.jitter * 1000:.0f} ms") if job.loss else ("", "")
        shows = job.how != "nobody"
        seen = (f"{fps:.1f}", f"{still:.2f} of {job.seconds:.0f} s", f"{longest:.2f} s") if shows else ("", "", "")
        table.add_row(job.who, job.how, *link, f"{cpu:.3f}", *seen)
    Console().print(table)
