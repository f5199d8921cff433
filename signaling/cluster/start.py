"""Which node a server is: one that is alone, or one of a cluster. Only the latter loads the package `redis`."""

import secrets

from signaling.config import SignalingConfig
from signaling.node import Node
from signaling.observer import Observers


def make_node(config: SignalingConfig, observers: Observers) -> Node:
    """Return the node that a configuration asks for.

    Raises `ValueError` if `redis` is no URL of one, or takes a package that is not there.
    """
    if config.redis is None:
        return Node(config, observers)
    try:
        from signaling.bus.redis import RedisBus
        from signaling.cluster.node import ClusterNode
    except ModuleNotFoundError as error:
        raise ValueError(f"redis takes the package {error.name}: pip install 'exeunt[redis]'") from None
    bus = RedisBus(config.redis, prefix=config.redis_prefix, node=secrets.token_hex(8))
    return ClusterNode(config, observers, bus)
