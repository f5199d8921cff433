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


def test_ice_takes_all_ways_or_relays_alone() -> None:
    assert PeerConfig(ice_transport_policy="relay").ice_transport_policy == "relay"
    with pytest.raises(UsageError, match="ice_transport_policy must be all or relay"):
        PeerConfig(ice_transport_policy="none")  # type: ignore[arg-type]  # what a user may pass


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_being_alone_has_a_limit_or_none(seconds: float) -> None:
    assert PeerConfig(exit_when_alone_for=0).exit_when_alone_for == 0
    with pytest.raises(UsageError, match="exit_when_alone_for"):
        PeerConfig(exit_when_alone_for=seconds)


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_the_quality_is_looked_at_now_and_then_or_never(seconds: float) -> None:
    assert PeerConfig(quality_interval=0).quality_interval == 0
    with pytest.raises(UsageError, match="quality_interval"):
        PeerConfig(quality_interval=seconds)


def test_the_topology_is_one_that_there_is_or_the_rooms() -> None:
    assert PeerConfig().topology is None
    assert PeerConfig(topology="janus").topology == "janus"
    with pytest.raises(UsageError, match='topology must be "mesh", "janus" or None'):
        PeerConfig(topology="star")  # type: ignore[arg-type]  # what a user may pass
