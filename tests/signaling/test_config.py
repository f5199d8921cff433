import dataclasses
from typing import Any

import pytest

import signaling
from signaling.config import Duplicate, Options, SignalingConfig
from signaling.messages import IceServer


def test_the_defaults_are_valid() -> None:
    config = SignalingConfig()
    assert (config.grace, config.heartbeat, config.capacity, config.duplicate) == (10.0, 5.0, 64, Duplicate.REPLACE)


def test_zero_turns_grace_and_heartbeat_off() -> None:
    assert SignalingConfig(grace=0, heartbeat=0).grace == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"grace": -1.0},
        {"grace": float("nan")},
        {"heartbeat": -0.1},
        {"heartbeat": float("inf")},
        {"capacity": 0},
        {"duplicate": "both"},
        {"key": "fifteen letters"},
        {"key": ""},
        {"admin_key": "fifteen-letters"},
        {"admin_key": "with spaces in it, that no header keeps"},
        {"allowed_origins": ("https://example.org/",)},
        {"allowed_origins": ("example.org",)},
        {"allowed_origins": ("https://",)},
        {"trusted_proxies": ("10.0.0.0/8", "proxy.example.org")},
        {"max_connections": -1},
        {"connections_per_address": -1},
        {"join_rate": -1},
        {"max_rooms": -1},
        {"message_rate": float("nan")},
        {"message_burst": 0},
        {"outbox_messages": 0},
        {"outbox_bytes": 0},
        {"handshake_timeout": float("inf")},
        {"join_timeout": -0.1},
        {"allowed_origins": ("https://fine.example", "ftp://example.org")},
        {"drain_delay": -1.0},
        {"drain_delay": float("inf")},
        {"turn_urls": ("stun:example.org",)},
        {"turn_urls": ("turn:example.org:x",)},
        {"turn_ttl": 0.5},
        {"turn_ttl": float("inf")},
        {"webhooks": ("example.org",)},
        {"webhooks": ("file:///etc/passwd",)},
        {"webhooks": ("https://",)},
        {"webhooks": ("https://example.org:0/",)},
        {"webhooks": ("https://[::1/",)},
        {"webhooks": ("https://example.org/\r\n",)},
        {"webhook_keys": ("a long enough key", "short")},
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=f"^{name} must "):
        SignalingConfig(**wrong)


def test_what_can_be_is_kept() -> None:
    config = SignalingConfig(
        key="sixteen letters!",
        allowed_origins=("https://example.org", "http://localhost:3000"),
        ice_servers=(IceServer(urls=["stun:stun.example.org"]),),
    )
    assert config.ice_servers[0].urls == ["stun:stun.example.org"]


def test_secrets_are_not_shown() -> None:
    config = SignalingConfig(
        key="k" * 32,
        ice_servers=(IceServer(urls=["turn:t"], credential="hidden"),),
        turn_urls=("turn:t",),
        turn_secret="hidden",
        webhook_keys=("k" * 32,),
    )
    assert "kkk" not in repr(config)
    assert "hidden" not in repr(config)


@pytest.mark.parametrize("half", [{"turn_urls": ("turn:t",)}, {"turn_secret": "secret"}])
def test_turn_servers_and_their_secret_go_together(half: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^turn_urls and turn_secret go together"):
        SignalingConfig(**half)


def test_webhooks_are_signed() -> None:
    with pytest.raises(ValueError, match=r"^webhooks take webhook_keys"):
        SignalingConfig(webhooks=("https://example.org/hook",))
    keys = ("a key of twenty-four let.", "another of them, for now")
    assert SignalingConfig(webhooks=("http://127.0.0.1:9/hook?a=1",), webhook_keys=keys).webhook_keys == keys


def test_the_options_are_the_fields() -> None:
    assert set(Options.__annotations__) == {field.name for field in dataclasses.fields(SignalingConfig)}


def test_the_package_gives_what_it_lists_and_nothing_else() -> None:
    for name in signaling.__all__:
        assert getattr(signaling, name).__name__ == name
        assert name in dir(signaling)
    with pytest.raises(AttributeError, match="nonsense"):
        signaling.nonsense  # noqa: B018 - the look-up is the test


def test_an_ice_server_of_the_wrong_form_is_refused() -> None:
    with pytest.raises(ValueError, match="ice_servers must look like stun:"):
        SignalingConfig(ice_servers=(IceServer(urls=["stun.example.org:3478"]),))
