import pytest

from signaling.addresses import client_address, network, sharing

PROXIES = (network("10.0.0.0/8"), network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),  # anybody can write that
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["192.0.2.1, 203.0.113.9"], "203.0.113.9"),  # what the client wrote itself comes first
        ("10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["192.0.2.1", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, "], "10.0.0.1"),
        ("10.0.0.1", ["[2001:db8::1]"], "2001:db8::1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("fe80::1%eth0", [], "fe80::1"),
        (None, ["203.0.113.9"], "unknown"),
        ("", [], "unknown"),
    ],
)
def test_the_client_is_whom_a_trusted_proxy_speaks_for(peer: str | None, forwarded: list[str], client: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == client


def test_nobody_is_believed_unless_trusted() -> None:
    assert client_address("127.0.0.1", ["203.0.113.9"], ()) == "127.0.0.1"


def test_an_ipv6_site_shares_its_limits_and_an_ipv4_address_has_its_own() -> None:
    assert sharing("2001:db8:1:2::3") == sharing("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert sharing("2001:db8:1:3::1") != sharing("2001:db8:1:2::1")
    assert sharing("203.0.113.9") == "203.0.113.9"
    assert sharing("unknown") == "unknown"


def test_a_network_may_be_a_single_address_or_have_host_bits() -> None:
    assert str(network("192.0.2.1")) == "192.0.2.1/32"
    assert str(network("192.0.2.1/24")) == "192.0.2.0/24"
    with pytest.raises(ValueError, match="does not appear"):
        network("example.org")
