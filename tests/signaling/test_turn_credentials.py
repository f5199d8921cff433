"""Time-limited credentials of TURN servers, and when clients get new ones."""

from base64 import b64encode
from hashlib import sha1
from hmac import new

from signaling.config import SignalingConfig
from signaling.messages import IceServer
from signaling.turn import Renewals, ice_servers

WALL = 1_900_000_000.75
STUN = IceServer(urls=["stun:stun.example.org"])
URLS = ("turn:turn.example.org:3478", "turns:turn.example.org:5349?transport=tcp")


def test_without_a_secret_the_ice_servers_are_those_of_the_configuration() -> None:
    assert ice_servers(SignalingConfig(), "ana", WALL) == []
    assert ice_servers(SignalingConfig(ice_servers=(STUN,)), "ana", WALL) == [STUN]


def test_credentials_name_their_end_and_their_user_and_are_signed() -> None:
    config = SignalingConfig(ice_servers=(STUN,), turn_urls=URLS, turn_secret="shared", turn_ttl=600)
    stun, turn = ice_servers(config, "ana", WALL)
    assert stun == STUN
    assert turn.urls == list(URLS)
    assert turn.username == "1900000600:ana"
    assert turn.credential == b64encode(new(b"shared", b"1900000600:ana", sha1).digest()).decode()
    assert ice_servers(config, "ben", WALL)[1].credential != turn.credential


def test_new_credentials_are_due_when_half_of_the_lifetime_is_over_again_and_again() -> None:
    renewals = Renewals(ttl=600)
    assert renewals.next_deadline() is None
    renewals.given("s1", "ana", now=0)
    renewals.given("s2", "ben", now=100)
    assert renewals.next_deadline() == 300
    assert renewals.take(now=299) == []
    assert renewals.take(now=400) == [("s1", "ana"), ("s2", "ben")]
    assert renewals.next_deadline() == 700


def test_who_was_given_some_meanwhile_waits_longer() -> None:
    renewals = Renewals(ttl=600)
    renewals.given("s1", "ana", now=0)
    renewals.given("s1", "ana", now=200)  # resumed
    assert renewals.next_deadline() == 500


def test_who_is_gone_gets_none() -> None:
    renewals = Renewals(ttl=600)
    renewals.given("s1", "ana", now=0)
    renewals.forget("s1")
    renewals.forget("s1")
    assert renewals.next_deadline() is None
    assert renewals.take(now=1000) == []
