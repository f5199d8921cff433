"""`python -m peer.cli` is `exeunt`."""

from peer.cli import main

main()
