"""`exeunt load-test`: how much a server takes, from where its users would be."""

from peer.cli.load.figures import Load
from peer.cli.load.run import load_test

__all__ = ["Load", "load_test"]
