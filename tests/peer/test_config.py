"""What can be set on a peer."""

import pytest

from peer.config import PeerConfig
from peer.errors import UsageError
from signaling.messages import IceServer


def test_an_ice_server_of_the_wrong_form_is_refused_where_it_is_given() -> None:
    assert PeerConfig().ice_servers is None
    good = IceServer(urls=["stun:example.org:3478"])
    assert PeerConfig(ice_servers=(good,)).ice_servers == (good,)
    with pytest.raises(UsageError, match="it looks like stun:"):
        PeerConfig(ice_servers=(good, IceServer(urls=["stun.example.org:3478"])))
