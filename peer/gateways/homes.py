"""At which node of a cluster a WHIP or WHEP session is: its address says so. Pure.

Its connection ends there, so nobody else can do what a PATCH or a DELETE asks. Names of nodes are secrets of the
cluster; what is in an address is made from them, and leads nobody back.
"""

from collections.abc import Iterable
from hashlib import blake2b

SIGN = 6  # bytes; few nodes are alive at a time


def path_name(session: str, node: str) -> str:
    """Return the last part of a session's address at this node; a server that is alone has no name, and needs none."""
    return f"{_sign(node)}.{session}" if node else session


def is_of_another(name: str, others: Iterable[str]) -> bool:
    """Whether the last part of an address says that the session is at one of these nodes."""
    sign, dot, _ = name.partition(".")
    return bool(dot) and any(_sign(node) == sign for node in others)


def _sign(node: str) -> str:
    return blake2b(node.encode(), digest_size=SIGN).hexdigest()
