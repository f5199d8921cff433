from signaling.config import SignalingConfig
from signaling.gate import Gate, Limit


def test_one_connection_too_many_from_an_address_is_refused_until_another_ends() -> None:
    gate = Gate(SignalingConfig(connections_per_address=2))
    assert [gate.enter("192.0.2.1") for _ in range(3)] == [None, None, Limit.CONNECTIONS_PER_ADDRESS]
    assert gate.enter("192.0.2.2") is None
    gate.leave("192.0.2.1")
    assert gate.enter("192.0.2.1") is None


def test_one_connection_too_many_in_all_is_refused_until_another_ends() -> None:
    gate = Gate(SignalingConfig(max_connections=2))
    assert [gate.enter(f"192.0.2.{number}") for number in range(3)] == [None, None, Limit.CONNECTIONS]
    gate.leave("192.0.2.0")
    gate.leave("192.0.2.1")
    assert gate.enter("192.0.2.9") is None


def test_zero_is_no_limit() -> None:
    gate = Gate(SignalingConfig(connections_per_address=0, max_connections=0, join_rate=0))
    assert {gate.enter("192.0.2.1") for _ in range(20_000)} == {None}
    assert all(gate.may_join("192.0.2.1", 0.0) for _ in range(20_000))


def test_all_addresses_of_an_ipv6_site_count_as_one() -> None:
    gate = Gate(SignalingConfig(connections_per_address=1, join_rate=1))
    assert gate.enter("2001:db8::1") is None
    assert gate.enter("2001:db8::2") is Limit.CONNECTIONS_PER_ADDRESS
    assert gate.may_join("2001:db8::1", 0.0)
    assert not gate.may_join("2001:db8::2", 0.0)


def test_joins_of_an_address_are_limited_by_the_minute() -> None:
    gate = Gate(SignalingConfig(join_rate=3))
    assert [gate.may_join("192.0.2.1", 0.0) for _ in range(4)] == [True, True, True, False]
    assert gate.may_join("192.0.2.2", 0.0)
    assert not gate.may_join("192.0.2.1", 19.0)
    assert gate.may_join("192.0.2.1", 20.0)


def test_connections_that_are_no_websockets_yet_have_limits_of_their_own() -> None:
    gate = Gate(SignalingConfig(pending_per_address=2, max_pending=3, connections_per_address=1))
    assert [gate.arrive("192.0.2.1") for _ in range(3)] == [None, None, Limit.PENDING_PER_ADDRESS]
    assert gate.enter("192.0.2.1") is None
    assert gate.arrive("192.0.2.2") is None
    assert gate.arrive("192.0.2.3") is Limit.PENDING
    gate.depart("192.0.2.1")
    assert (gate.pending, gate.arrive("192.0.2.1")) == (2, None)


def test_a_trusted_proxy_is_not_limited_by_its_address() -> None:
    gate = Gate(SignalingConfig(pending_per_address=1, max_pending=3))
    assert [gate.arrive("10.0.0.1", is_proxy=True) for _ in range(4)] == [None, None, None, Limit.PENDING]
    for _ in range(3):
        gate.depart("10.0.0.1")
    assert gate.pending == 0


def test_after_too_many_wrong_keys_an_address_may_try_none_for_a_while() -> None:
    gate = Gate(SignalingConfig(wrong_keys=2))
    assert gate.may_try("192.0.2.1", 0.0)
    for _ in range(2):
        gate.tried_in_vain("192.0.2.1", 0.0)
    assert (gate.may_try("192.0.2.1", 29.0), gate.may_try("192.0.2.2", 29.0)) == (False, True)
    assert gate.may_try("192.0.2.1", 30.0)
