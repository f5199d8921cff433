"""`python -m bench`: run every benchmark and print its figures, as a table or as JSON lines."""

import argparse
import asyncio

from bench import start
from tests import network


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="alternating runs of each side (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON lines instead of a table")
    arguments = parser.parse_args()
    where = network.enter()
    if not arguments.json:
        print(f"network: {where}")
    asyncio.run(start.run(runs=arguments.runs, as_json=arguments.json))


if __name__ == "__main__":
    main()
