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


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_a_device_cannot_be_lost_before_it_is_silent(seconds: float) -> None:
    assert PeerConfig(stall_after=0).stall_after == 0
    with pytest.raises(UsageError, match="stall_after"):
        PeerConfig(stall_after=seconds)
