"""WHIP and WHEP: publishing to, and playing from, a server by one HTTP request."""

from peer.whip.clients import WhepPlayer, WhipPublisher

__all__ = ["WhepPlayer", "WhipPublisher"]
