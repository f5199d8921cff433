"""One picture of 1280x720 at 30 per second and a tone, to so many viewers: what it costs whom.

    python -m bench publish --viewers 1,8 --seconds 10 --codec h264 --against aiortc,chromium,gstreamer --json

The publishers take turns: Exeunt, aiortc with MediaPlayer and MediaRelay, headless Chromium, and GStreamer's webrtcbin
with one encoder for all. All send the same film (see `publishing/footage.py`) at the same bitrate to the same viewers,
which are in one other process and count the frames of which every packet came. Beside them, what a source and an
encoder cost alone. Asked for, too: `--latency` (see `publishing/latency.py`), `--loss` (`publishing/loss.py`) and
`--churn` (`publishing/churn.py`).
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.publishing import cells, churn, footage, latency, loss, plot, report
from bench.publishing.figures import OURS, summary
from bench.publishing.programs import compile_ahead

VIEWERS, SECONDS, RUNS = (1, 8), 5.0, 2
LATENCY_SECONDS, LOSS_SECONDS = 10.0, 25.0
BITRATE = 1_500_000  # bits per second of video
CODECS = ("h264", "vp8")
MOST_VIEWERS = 128
OTHERS = tuple(name for name in cells.PUBLISHERS if name != OURS)
NONE = "none"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    group = parser.add_argument_group("publish")
    group.add_argument(
        "--viewers", type=_numbers, default=VIEWERS, help="how many, like 1,8,32, or none (default: 1,8)"
    )
    group.add_argument("--seconds", type=float, default=SECONDS, help="that are counted (default: 5)")
    group.add_argument("--codec", choices=CODECS, default="h264", help="of the video (default: h264)")
    group.add_argument("--against", type=_names, default=OTHERS, help="whom, or none (default: all three)")
    group.add_argument("--plot", type=Path, metavar="FILE", help="draw CPU time against viewers, as a PNG")
    for name, const, text in (
        ("--latency", LATENCY_SECONDS, "measure glass to glass for so long (10)"),
        ("--loss", LOSS_SECONDS, "count freezes behind a bad cable for so long (25)"),
    ):
        group.add_argument(name, type=float, nargs="?", const=const, metavar="SECONDS", help=text)
    group.add_argument("--churn", type=float, metavar="MINUTES", help="measure memory while viewers come and go")


async def run(options: argparse.Namespace) -> None:
    """Measure everything that is asked for and print it."""
    if options.plot is not None and not plot.is_possible():
        sys.exit("--plot needs matplotlib, which is in the extra `dev`")
    runs = options.runs or RUNS
    compile_ahead()
    with tempfile.TemporaryDirectory(prefix="exeunt-bench-") as name:
        folder = Path(name)
        here = [name for name in (OURS, *options.against) if _is_here(name)]
        if options.viewers:
            await _cost(options, runs, here, folder)
        if options.churn:
            churned = await churn.measure(options.churn, options.codec, BITRATE, folder)
            churn.show(churned, as_json=options.json)
        if (options.latency or options.loss) and not _is_here("chromium"):
            return  # the viewers are its pages
        if options.latency:
            await _latency(options, runs, here, folder)
        if options.loss:
            await _loss(options, runs, here, folder)


async def _cost(options: argparse.Namespace, runs: int, here: list[str], folder: Path) -> None:
    film = footage.write(folder)
    measured = []
    for job in _jobs(options, runs, here, film, folder):
        measured.append(await cells.measure(job))
        report.progress(measured[-1], as_json=options.json)
    report.show_cost(measured, as_json=options.json)
    if options.plot is not None:
        plot.draw(summary(measured, footage.FPS), options.plot)


async def _latency(options: argparse.Namespace, runs: int, here: list[str], folder: Path) -> None:
    measured = [
        await latency.measure(name, number, options.codec, options.latency, folder)
        for number in range(runs)
        for name in latency.PUBLISHERS
        if name in here
    ]
    report.show_latency(measured, as_json=options.json)


async def _loss(options: argparse.Namespace, runs: int, here: list[str], folder: Path) -> None:
    measured = [
        await loss.measure(name, number, options.codec, options.loss, folder)
        for number in range(runs)
        for name in loss.PUBLISHERS
        if name in here
    ]
    report.show_loss(measured, as_json=options.json)


def _jobs(
    options: argparse.Namespace, runs: int, here: list[str], film: footage.Footage, folder: Path
) -> Iterator[cells.Job]:
    """Yield what is to be measured, so that every run has each publisher with so many viewers one after the other."""
    for number in range(runs):
        for count in options.viewers:
            for name in (*here, *((cells.FLOOR,) if count == 1 else ())):
                yield cells.Job(
                    publisher=name,
                    codec=options.codec,
                    viewers=count,
                    run=number,
                    seconds=options.seconds,
                    bitrate=BITRATE,
                    footage=film,
                    folder=folder,
                )


def _is_here(name: str) -> bool:
    """Whether this machine has what a publisher needs; say what it lacks."""
    lacks = cells.missing(name)
    if lacks:
        print(f"without {name}: {lacks}", file=sys.stderr)
    return not lacks


def _numbers(text: str) -> tuple[int, ...]:
    numbers = () if text == NONE else tuple(int(word) for word in text.split(","))
    if not all(0 < number <= MOST_VIEWERS for number in numbers):
        raise argparse.ArgumentTypeError(f"from 1 to {MOST_VIEWERS}")
    return numbers


def _names(text: str) -> tuple[str, ...]:
    names = () if text == NONE else tuple(text.split(","))
    if unknown := set(names) - set(OTHERS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not of {', '.join(OTHERS)}")
    return names
