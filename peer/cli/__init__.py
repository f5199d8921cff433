"""The `exeunt` command."""

import sys


def main() -> None:
    """Run the command line and end the process with its status: 0, 1 for a failure, 2 for wrong usage."""
    from peer.cli.app import run

    sys.exit(run(sys.argv[1:]))
