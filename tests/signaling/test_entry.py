"""One line of a journal: what it holds, what it never holds, and what becomes of a damaged one."""

import json

import pytest

from peer.events import DeviceRelease, ExitReport, ExitRoom, Outcome
from signaling.entry import MAX_WORDS, Entry, decode_entry, encode_entry, facts_of
from signaling.messages import Candidate, IceServer, Join, Joined, Offer, RemoteUserLeave, User
from signaling.reasons import Detection, Reason

SECRETS = [
    Join(room="lobby", user="ana", token="hush", extra={"phone": "hush"}),
    Joined(
        room="lobby",
        user="ana",
        session="1",
        secret="hush",
        ticket="hush",
        seq=1,
        grace=10.0,
        heartbeat=5.0,
        users=[User(user="bo", session="2", extra={"phone": "hush"})],
        ice_servers=[IceServer(urls=["turn:example.org"], username="hush", credential="hush")],
    ),
    Offer(user="bo", call="1.1", sdp="hush"),
    Candidate(user="bo", call="1.1", candidate="hush"),
    RemoteUserLeave(
        user="bo", session="2", seq=3, reason=Reason.LEFT, detected_by=Detection.NOTICE, extra={"phone": "hush"}
    ),
]


def line(who: str = "server", **words: object) -> bytes:
    return json.dumps({"mono": 1.0, "wall": 2.0, "who": who, "event": "joined", **words}).encode()


def test_what_is_written_is_read_again() -> None:
    written = encode_entry(1.23456789, 1700000000.12345, "server", "exited", {"reason": Reason.KICKED, "user": "ana"})
    assert written == (
        b'{"mono":1.234568,"wall":1700000000.123,"who":"server","event":"exited","user":"ana","reason":"kicked"}\n'
    )
    read = Entry(mono=1.234568, wall=1700000000.123, who="server", event="exited", user="ana", reason=Reason.KICKED)
    assert decode_entry(written) == read


@pytest.mark.parametrize("message", SECRETS, ids=lambda message: type(message).__name__)
def test_no_secret_description_candidate_or_extra_of_a_message_is_written(message: Joined) -> None:
    assert b"hush" not in encode_entry(0, 0, "server", "x", facts_of(message))


def test_of_an_exit_the_report_is_written_as_far_as_other_lines_do_not_tell_it() -> None:
    report = ExitReport(
        reason=Reason.LEFT,
        notice="acknowledged",
        unacknowledged=("bo",),
        devices=(DeviceRelease(device="/dev/video0", outcome=Outcome.VERIFIED, took=0.01),),
        total=0.25,
    )
    assert facts_of(ExitRoom(reason=Reason.LEFT, report=report)) == {
        "reason": Reason.LEFT,
        "notice": "acknowledged",
        "unacknowledged": ("bo",),
        "total": 0.25,
    }


def test_a_long_text_is_cut() -> None:
    read = decode_entry(encode_entry(0, 0, "server", "x", {"text": "a" * 5000}))
    assert read is not None
    assert read.text == "a" * MAX_WORDS


@pytest.mark.parametrize(
    "damaged",
    [b'{"mono":1.0,"wa', b"", b"nonsense", b"[]", b'"\xff"', line(reason="because"), line(told="many"), b"[" * 5000],
    ids=["torn", "empty", "no JSON", "a list", "no text", "no reason", "wrong type", "deep"],
)
def test_a_damaged_line_is_none(damaged: bytes) -> None:
    assert decode_entry(damaged) is None


def test_what_a_later_version_adds_is_ignored() -> None:
    assert decode_entry(line(colour="green")) == decode_entry(line())


@pytest.mark.parametrize(
    ("words", "subject"),
    [
        ({}, None),
        ({"room": "lobby"}, None),
        ({"room": "lobby", "user": "ana"}, ("lobby", "ana")),
        ({"who": "peer lobby/bo"}, ("lobby", "bo")),
        ({"who": "peer lobby/bo", "user": "ana"}, ("lobby", "ana")),
        ({"who": "peer lobby/bo", "room": "lobby", "user": "bo"}, ("lobby", "bo")),
    ],
)
def test_a_line_is_about_whom_it_names_or_else_about_its_writer(
    words: dict[str, str], subject: tuple[str, str] | None
) -> None:
    entry = decode_entry(line(**words))
    assert entry is not None
    assert entry.subject == subject
    assert entry.is_by_server == ("who" not in words)
