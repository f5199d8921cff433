"""`python -m bench`: run every benchmark and print its figures, as a table or as JSON lines."""

import argparse
import asyncio

from bench import exit as leaving, start
from tests import network

BENCHES = {"start": start, "exit": leaving}


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help=f"of {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each side; more of what is quick (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON lines instead of a table")
    arguments = parser.parse_args()
    where = network.enter()
    if not arguments.json:
        print(f"network: {where}")
    for name in arguments.names or BENCHES:
        asyncio.run(BENCHES[name].run(runs=arguments.runs, as_json=arguments.json))


if __name__ == "__main__":
    main()
