"""What may stand on the command line."""

import pytest

from peer import UsageError
from peer.cli.arguments import SourceOptions, api_url, parse_ice_server, parse_size, with_optional_values
from signaling.messages import IceServer


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["--camera"], ["--camera=default"]),
        (["--camera", "--test"], ["--camera=default", "--test"]),
        (["--camera", "/dev/video2", "x"], ["--camera=/dev/video2", "x"]),
        (["--camera=/dev/video2"], ["--camera=/dev/video2"]),
        (["--screen", ":1"], ["--screen=:1"]),
        (["--microphone", "ws://host/ws"], ["--microphone=default", "ws://host/ws"]),
        (["--file", "--camera.mp4"], ["--file", "--camera.mp4"]),
    ],
)
def test_a_device_option_may_stand_alone(given: list[str], meant: list[str]) -> None:
    assert with_optional_values(given) == meant


def test_a_size_is_width_by_height() -> None:
    assert parse_size("1280x720") == (1280, 720)
    for wrong in ("1280", "x", "1280X720", "9x9", "-1x10", "1e3x100", "9999x720", "99999x99999"):
        with pytest.raises(UsageError, match="1280x720"):
            parse_size(wrong)


def test_an_ice_server_is_stun_without_and_turn_with_a_user() -> None:
    assert parse_ice_server("stun:example.org:3478") == IceServer(urls=["stun:example.org:3478"])
    turn = IceServer(urls=["turns:example.org:5349?transport=tcp"], username="ana", credential="se:cret")
    assert parse_ice_server("turns:ana:se:cret@example.org:5349?transport=tcp") == turn
    for wrong in ("example.org", "stun:", "turn:example.org", "stun:a:b@example.org", "http://example.org"):
        with pytest.raises(UsageError, match="no ICE server"):
            parse_ice_server(wrong)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ws://127.0.0.1:8080/ws", "http://127.0.0.1:8080/api/rooms"),
        ("wss://host/prefix/ws", "https://host/prefix/api/rooms"),
        ("http://host", "http://host/api/rooms"),
        ("ws://host/ws/", "http://host/api/rooms"),
    ],
)
def test_the_api_is_beside_the_websocket(url: str, address: str) -> None:
    assert api_url(url, "api/rooms") == address


@pytest.mark.parametrize(
    "url", ["host:8080", "ftp://host/ws", "", "ws:///ws", "ws://[::1/ws", "ws://host:99999/ws", "ws://host:x/ws"]
)
def test_what_is_no_address_is_said_to_be_none(url: str) -> None:
    with pytest.raises(UsageError, match="ws://127"):
        api_url(url, "api/rooms")


def test_whether_any_source_is_named() -> None:
    assert not SourceOptions().any
    assert SourceOptions(test=True).any
    assert SourceOptions(file="x").any
