"""ICE servers in the headers of answers."""

import pytest

from peer.whip.links import ice_servers
from signaling.messages import IceServer

STUN = IceServer(urls=["stun:stun.example.net"])
TURN = IceServer(urls=["turn:turn.example.net?transport=udp"], username="user", credential='my;pass, <word>"')


@pytest.mark.parametrize(
    ("headers", "servers"),
    [
        ([], ()),
        (['<stun:stun.example.net>; rel="ice-server"'], (STUN,)),
        (["<stun:stun.example.net>;rel=ice-server"], (STUN,)),
        (['<stun:stun.example.net>; rel="preconnect ice-server"'], (STUN,)),
        (
            [
                '<https://example.net/next>; rel="next", <stun:stun.example.net>; rel="ice-server",'
                ' <turn:turn.example.net?transport=udp>; rel="ice-server"; username="user";'
                ' credential="my;pass, <word>\\""; credential-type="password"'
            ],
            (STUN, TURN),
        ),
        (['<stun:stun.example.net>; rel="ice-server"', '<https://example.net>; rel="ice-server"', "nonsense"], (STUN,)),
        (["<stun:stun.example.net>"], ()),
        (["<stun:stun.example.net", "<>", ";rel=ice-server"], ()),
    ],
)
def test_links_name_servers(headers: list[str], servers: tuple[IceServer, ...]) -> None:
    assert ice_servers(headers) == servers


def test_a_header_made_to_be_slow_is_read_at_once() -> None:
    assert ice_servers(['<stun:example.net>; rel="' + 'a\\"' * 20_000, "<" * 50_000, "<a>;" * 20_000]) == ()
