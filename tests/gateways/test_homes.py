"""Which node has a session."""

from peer.gateways.homes import is_of_another, path_name


def test_the_address_of_a_session_says_at_which_node_it_is_and_not_what_that_is_called() -> None:
    name = path_name("secret", "node-a")
    assert name.endswith(".secret")
    assert "node-a" not in name
    assert is_of_another(name, ["node-b", "node-a"])
    assert not is_of_another(name, ["node-b"])
    assert not is_of_another(name, [])


def test_a_server_that_is_alone_says_nothing_of_itself() -> None:
    assert path_name("secret", "") == "secret"
    assert not is_of_another("secret", ["node-a"])
