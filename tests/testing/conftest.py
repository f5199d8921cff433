"""The kit's own fixtures, here instead of those of the same names that other tests have."""

from peer.testing.plugin import (
    browser,
    exeunt_loop,
    exeunt_network,
    exeunt_stage,
    join,
    journal,
    network,
    no_leaks,
    signaling_options,
    signaling_server,
    spawn,
)

__all__ = [
    "browser",
    "exeunt_loop",
    "exeunt_network",
    "exeunt_stage",
    "join",
    "journal",
    "network",
    "no_leaks",
    "signaling_options",
    "signaling_server",
    "spawn",
]
