"""What a server is told of Janus before it starts: whether that can be. A core."""

from collections.abc import Sequence
from typing import get_args
from urllib.parse import urlsplit

from signaling.janus_words import Topology

MIN_SECRET = 16  # characters


def check_janus(topology: Topology, urls: Sequence[str], secret: str | None) -> None:
    """Raise `ValueError` that names the field for options that cannot be."""
    _require(topology in get_args(Topology), f"topology must be mesh or janus, not {topology!r}")
    for url in urls:
        _require(_is_websocket(url), f"janus must look like ws://example.org:8188, not {url!r}")
    _require(len(urls) == len(set(urls)), "janus must name each server once")
    _require(bool(urls) == (secret is not None), "janus and janus_secret go together")
    is_long = secret is None or len(secret) >= MIN_SECRET
    _require(is_long, f"janus_secret must have at least {MIN_SECRET} characters")
    check_topology(topology, urls)


def check_topology(topology: Topology, urls: Sequence[str]) -> None:
    """Raise `ValueError` if a server that knows these Janus servers cannot have rooms of a topology."""
    _require(topology == "mesh" or bool(urls), "topology janus takes a Janus server: this server knows none (janus)")


def _is_websocket(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:  # brackets that do not match, a port that is none
        return False


def _require(is_so: bool, sentence: str) -> None:
    if not is_so:
        raise ValueError(sentence)
