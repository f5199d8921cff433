"""Rooms of either topology: the same server, with a real Janus where media pass through one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.devices.janus import Janus, janus_server

TOPOLOGIES = ("mesh", "janus")


@asynccontextmanager
async def rooms_of(topology: str) -> AsyncIterator[dict[str, object]]:
    """Yield the settings of a server whose rooms are of this topology."""
    if topology == "mesh":
        yield {}
        return
    async with janus_server() as janus:
        yield through(janus)


def through(*servers: Janus, url: str | None = None) -> dict[str, object]:
    """Return the settings of a server whose media pass through these; `url`: the address to use instead."""
    urls = (url,) if url is not None else tuple(server.url for server in servers)
    return {"topology": "janus", "janus": urls, "janus_secret": servers[0].admin_key}
