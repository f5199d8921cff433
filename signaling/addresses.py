"""Whose address a request comes from, and with whom it shares its limits. A core."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SITE_BITS = 64  # of an IPv6 address belong to the site: whoever has one address of it has all


def network(text: str) -> Network:
    """Return the network of "10.0.0.0/8", or of a single address. Raises `ValueError`."""
    return ip_network(text, strict=False)


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the address of the client: the peer's own, or what trusted proxies say of whom they speak for.

    `forwarded` are the values of X-Forwarded-For. Every proxy adds at the end whom it was asked by, so the list is read
    from there, as long as a trusted proxy has written it: what stands before that can be anybody's invention.
    """
    client = _parse(peer)
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    while hops and client is not None and _is_in(client, trusted):
        named = _parse(hops.pop())
        if named is None:
            break  # a proxy of ours that writes no address: its own is the best that we know
        client = named
    return "unknown" if client is None else str(client)


def sharing(address: str) -> str:
    """Return what limits count by: an IPv4 address itself, of IPv6 the network of its site."""
    parsed = _parse(address)
    if not isinstance(parsed, IPv6Address):
        return address
    return str(IPv6Network((parsed, SITE_BITS), strict=False))


def is_in(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address belongs to one of these networks."""
    parsed = _parse(address)
    return parsed is not None and _is_in(parsed, networks)


def _parse(text: str | None) -> Address | None:
    try:
        address = ip_address((text or "").strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in one for one in networks)
