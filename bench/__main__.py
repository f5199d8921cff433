"""`python -m bench`: run every benchmark and print its figures, as a table or as JSON lines."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine

from bench import audience, exit as leaving, publish, receive, rooms, start
from bench.rooming import servers
from tests import network

RUNS = 5
NAMES = ("start", "exit", "publish", "receive", "rooms", "audience")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help=f"of {', '.join(NAMES)} (default: all)")
    runs = (
        f"runs of each side; more of what is quick (default: {RUNS}; of publish {publish.RUNS}, "
        f"of receive {receive.RUNS}, of rooms {rooms.RUNS}, of audience {audience.RUNS})"
    )
    parser.add_argument("--runs", type=int, help=runs)
    parser.add_argument("--json", action="store_true", help="print JSON lines instead of a table")
    publish.add_options(parser)
    audience.add_options(parser)
    options = parser.parse_args()
    if "rooms" in (options.names or NAMES):
        servers.install()  # while there is a way out
    where = network.enter()
    if not options.json:
        print(f"network: {where}")
    try:
        for name in options.names or NAMES:
            asyncio.run(_until_told(_bench(name, options)))
    except asyncio.CancelledError:
        sys.exit(128 + signal.SIGTERM)


def _bench(name: str, options: argparse.Namespace) -> Coroutine[object, object, None]:
    runs = options.runs or RUNS
    match name:
        case "start":
            return start.run(runs=runs, as_json=options.json)
        case "exit":
            return leaving.run(runs=runs, as_json=options.json)
        case "rooms":
            return rooms.run(runs=options.runs or rooms.RUNS, as_json=options.json)
        case "receive":
            return receive.run(runs=options.runs or receive.RUNS, as_json=options.json)
        case "audience":
            return audience.run(options)
        case _:
            return publish.run(options)


async def _until_told(bench: Coroutine[object, object, None]) -> None:
    """Run a benchmark; SIGTERM ends it as Ctrl-C does: with everything that it has started."""
    running = asyncio.current_task()
    assert running is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    await bench


if __name__ == "__main__":
    main()
