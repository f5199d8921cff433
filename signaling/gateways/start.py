"""Which gateways a server has. Only those that are wanted load what they are made of."""

from aiohttp import web

from signaling.node import Node
from signaling.sockets import Sockets


def add_gateways(app: web.Application, node: Node, sockets: Sockets) -> None:
    """Add those that the configuration asks for. Raises `ValueError` if one takes a package that is not there."""
    if not sockets.config.rtcmulticonnection:
        return
    try:
        from signaling.gateways.rtcmulticonnection import Gateway
    except ModuleNotFoundError as error:
        raise ValueError(
            f"rtcmulticonnection takes the package {error.name}: pip install 'exeunt[rtcmulticonnection]'"
        ) from None
    Gateway(node, sockets).add_to(app)
