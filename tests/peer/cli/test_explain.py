"""What is said of each way to leave: the sentence, and the lines that it rests on."""

import pytest

from peer.cli.explain import Explanation, details, explain, span
from peer.cli.stays import stays_of
from signaling.entry import Entry
from signaling.reasons import Detection, Reason
from tests.peer.cli.lines import NOON, about, by, by_server, clock

JOINED = about("ana", "1", "joined", 0)


def explained(*lines: Entry, number: int = 0) -> Explanation:
    """Explain one of ana's stays, the last line but for these being that she joined."""
    stays = stays_of([JOINED, *lines], "ana")
    return explain(stays, stays[number], clock, lines[-1].wall if lines else JOINED.wall)


def evidence(explanation: Explanation) -> list[str]:
    return [line.event for line in explanation.evidence]


def exited(at: float, reason: Reason, detected_by: Detection = Detection.ADMIN) -> Entry:
    return about("ana", "1", "exited", at, reason=reason, detected_by=detected_by)


def told(at: float, reason: Reason, detected_by: Detection = Detection.ADMIN, **facts: object) -> Entry:
    return about("ana", "1", "remoteUserLeave", at, reason=reason, detected_by=detected_by, told=2, **facts)


def test_a_kick_with_the_peers_own_account() -> None:
    explanation = explained(
        about("ana", "1", "kickAsked", 3, by="ben", text="too loud"),
        told(3.0004, Reason.KICKED, text="too loud"),
        exited(3.0004, Reason.KICKED),
        by("ana", "leaving", 3.001, session="1", reason=Reason.KICKED),
        by("ana", "step", 3.002, session="1", name="notifying", took=0.001, ended="ok"),
        by("ana", "released", 3.02, session="1", device="/dev/video0", outcome="verified", took=0.012),
        by("ana", "exitRoom", 3.03, session="1", reason=Reason.KICKED, text="too loud", total=0.031),
    )
    assert explanation.sentence == (
        'ana left lobby at 3 because a moderator (ben) kicked ana: "too loud". The server told 2 others 0.4 ms later;'
        " /dev/video0 was verified free after 12 ms; ana was out after 31 ms."
    )
    assert evidence(explanation) == ["kickAsked", "remoteUserLeave", "exited", "released", "exitRoom"]
    assert (explanation.reason, explanation.detected_by) == (Reason.KICKED, Detection.ADMIN)
    assert explanation.at == NOON + 3


@pytest.mark.parametrize(
    ("cause", "because"),
    [
        (about("ana", "1", "kickAsked", 3, via="api"), "an administrator kicked ana"),
        (about("ana", "1", "kickAsked", 1, by="ben"), "a moderator kicked ana"),  # long before: that one was refused
        (about("ana", "1", "banned", 3, until=63), "a moderator kicked ana, with a ban until 63"),
    ],
)
def test_other_kicks(cause: Entry, because: str) -> None:
    until = {} if cause.until is None else {"until": NOON + cause.until}
    cause = about("ana", "1", cause.event, cause.mono - 100, by=cause.by, via=cause.via, **until)
    explanation = explained(cause, exited(3, Reason.KICKED))
    assert explanation.sentence == f"ana left lobby at 3 because {because}. Nobody else was there to be told."


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            [exited(3, Reason.LEFT, Detection.NOTICE)],
            "ana left lobby at 3 because ana said goodbye. Nobody else was there to be told.",
        ),
        (
            [
                about("ana", "1", "leave", 3),
                told(3.002, Reason.LEFT, Detection.NOTICE),
                exited(3, Reason.LEFT, Detection.NOTICE),
                about("ana", "1", "exitRoom", 4, reason=Reason.LEFT, unacknowledged=["bo", "cy"]),
            ],
            "ana left lobby at 3 because ana said goodbye. The server told 2 others 2.0 ms later;"
            " bo and cy did not acknowledge in time.",
        ),
        (
            [about("ana", "1", "remoteUserLeave", 3, reason=Reason.ERROR, detected_by=Detection.NOTICE, told=1)],
            "ana left lobby at 3 because the program failed. The server told 1 other user at once.",
        ),
        (
            [by_server("dismissAsked", 3, room="lobby", by="ben"), exited(3, Reason.DISMISSED)],
            "ana left lobby at 3 because a moderator (ben) closed the room.",
        ),
        (
            [exited(3, Reason.DISMISSED), about("ana", "1", "exitRoom", 3, reason=Reason.DISMISSED, text="too old")],
            'ana left lobby at 3 because the room was closed: "too old".',
        ),
        ([exited(3, Reason.SERVER_SHUTDOWN)], "ana left lobby at 3 because the server went down."),
        (
            [told(3, Reason.TOKEN_EXPIRED), exited(3, Reason.TOKEN_EXPIRED)],
            "ana left lobby at 3 because the token expired. The server told 2 others at once.",
        ),
        (
            [told(3, Reason.REPLACED), exited(3, Reason.REPLACED), about("ana", "2", "joined", 3.5)],
            "ana left lobby at 3 because the same user joined elsewhere at 3.5. The server told 2 others at once.",
        ),
        (
            [told(3, Reason.REPLACED)],
            "ana left lobby at 3 because the same user joined elsewhere. The server told 2 others at once.",
        ),
    ],
)
def test_each_reason_has_its_words(lines: list[Entry], sentence: str) -> None:
    assert explained(*lines).sentence == sentence


def test_who_was_replaced_rests_on_the_new_stay_too() -> None:
    elsewhere = about("ana", "9", "joined", 2, room="attic")
    explanation = explained(elsewhere, exited(3, Reason.REPLACED), about("ana", "2", "joined", 3.5))
    assert [(line.event, line.session) for line in explanation.evidence] == [("exited", "1"), ("joined", "2")]


def test_a_lost_network_says_when_it_was_last_heard_and_how_long_the_grace_was() -> None:
    explanation = explained(
        about("ana", "1", "socketLost", 7.5, detected_by=Detection.HEARTBEAT, silent_for=7.5),
        about("ana", "1", "graceBegan", 7.5, grace=10.0, until=NOON + 17.5),
        told(17.5, Reason.NETWORK_LOST, Detection.HEARTBEAT, silent_for=17.5),
        exited(17.5, Reason.NETWORK_LOST, Detection.HEARTBEAT),
    )
    assert explanation.sentence == (
        "ana left lobby at 17.5 because the network was lost. ana was last heard at 0; the loss was noticed 7.5 s later"
        " by the heartbeat; the grace of 10 s passed and ana did not come back; the server told 2 others at once."
    )
    assert evidence(explanation) == ["socketLost", "graceBegan", "remoteUserLeave", "exited"]


def test_a_lost_network_without_a_grace() -> None:
    explanation = explained(
        about("ana", "1", "socketLost", 3, detected_by=Detection.SOCKET_CLOSED),
        exited(3, Reason.NETWORK_LOST, Detection.SOCKET_CLOSED),
    )
    assert explanation.sentence == (
        "ana left lobby at 3 because the network was lost. ana was last heard at 3;"
        " the loss was noticed 0.0 ms later when the socket closed; nobody else was there to be told."
    )


@pytest.mark.parametrize(
    ("detected_by", "known"),
    [
        (Detection.HEARTBEAT, "The loss was noticed by the heartbeat, after 2.0 s of silence"),
        (Detection.MEDIA, "The loss was noticed by the media, after 2.0 s of silence"),
    ],
)
def test_a_lost_network_as_another_peer_saw_it(detected_by: Detection, known: str) -> None:
    leave = by(
        *("bo", "remoteUserLeave", 3),
        session="1",
        user="ana",
        reason=Reason.NETWORK_LOST,
        detected_by=detected_by,
        silent_for=2.0,
    )
    assert explained(leave).sentence == f"ana left lobby at 3 because the network was lost. {known}."


def test_a_lost_network_as_the_peer_itself_saw_it() -> None:
    lines = [
        by("ana", "enterRoom", 0, session="1"),
        by("ana", "connectionLost", 2, session="1", grace=10.0),
        by("ana", "exitRoom", 12, session="1", reason=Reason.NETWORK_LOST, total=0.01, text="no answer"),
    ]
    stays = stays_of(lines, "ana")
    assert explain(stays, stays[0], clock, NOON).sentence == (
        "ana left lobby at 12 because the network was lost (no answer)."
        " The grace of 10 s passed and ana did not come back; ana was out after 10 ms."
    )


def test_a_crash_has_the_guards_word() -> None:
    explanation = explained(
        about("ana", "1", "socketLost", 3, detected_by=Detection.SOCKET_CLOSED),
        about("ana", "1", "farewell", 3.001, by="guard", reason=Reason.CRASHED),
        told(3.002, Reason.CRASHED, Detection.GUARD),
        exited(3.002, Reason.CRASHED, Detection.GUARD),
    )
    assert explanation.sentence == (
        "ana left lobby at 3.002 because the process died. ana's guard saw the process die and told the server;"
        " the server told 2 others 1.0 ms later."
    )
    assert evidence(explanation) == ["socketLost", "farewell", "remoteUserLeave", "exited"]
    assert explained(exited(3, Reason.CRASHED, Detection.GUARD)).sentence == (
        "ana left lobby at 3 because the process died. ana's guard saw the process die;"
        " nobody else was there to be told."
    )


def test_a_watchdog_speaks_for_a_peer_that_hangs() -> None:
    farewell = about("ana", "1", "farewell", 3, by="watchdog", reason=Reason.LEFT)
    assert explained(farewell, exited(3, Reason.LEFT, Detection.NOTICE)).sentence == (
        "ana left lobby at 3 because ana said goodbye. ana's watchdog saw the program hang and told the server;"
        " nobody else was there to be told."
    )


def test_a_page_that_goes_away_speaks_for_itself() -> None:
    farewell = about("ana", "1", "farewell", 3, by="page", reason=Reason.LEFT)
    assert explained(farewell, exited(3, Reason.LEFT, Detection.NOTICE)).sentence == (
        "ana left lobby at 3 because ana said goodbye. ana's page was left by its user and told the server;"
        " nobody else was there to be told."
    )


def test_a_peer_that_says_otherwise_and_whose_steps_went_wrong() -> None:
    explanation = explained(
        exited(3, Reason.NETWORK_LOST, Detection.HEARTBEAT),
        by("ana", "leaving", 3, session="1", reason=Reason.LEFT, text="SIGTERM"),
        by("ana", "step", 4, session="1", name="notifying", took=1.0, ended="timed out"),
        by("ana", "released", 5, session="1", device="mic", outcome="stuck", took=2.0),
        by("ana", "released", 5, session="1", device="screen"),
        by("ana", "released", 5, session="1"),
    )
    assert explanation.sentence == (
        "ana left lobby at 3 because the network was lost."
        " The loss was noticed by the heartbeat; nobody else was there to be told;"
        " notifying went wrong: timed out; mic was still held after 2.0 s; screen was let go after 0.0 ms;"
        " ana's own journal says: left (SIGTERM); ana's own journal ends before ana was out."
    )


def test_a_peer_whose_journal_ends_while_it_leaves() -> None:
    lines = [by("ana", "enterRoom", 0, session="1"), by("ana", "leaving", 3, session="1", reason=Reason.LEFT)]
    stays = stays_of(lines, "ana")
    assert explain(stays, stays[0], clock, NOON).sentence == (
        "ana began to leave lobby at 3 because ana said goodbye. ana's own journal ends before ana was out."
    )


@pytest.mark.parametrize(
    ("lines", "sentence", "rests_on"),
    [
        ([], "ana is still in lobby, since 0, as far as the journal goes: to 0.", ["joined"]),
        (
            [about("ana", "1", "socketLost", 2), about("ana", "1", "resumed", 3), by_server("x", 9)],
            "ana is still in lobby, since 0, as far as the journal goes: to 9.",
            ["joined"],
        ),
        (
            [about("ana", "1", "socketLost", 2), about("ana", "1", "graceBegan", 2, until=NOON + 12)],
            "ana is in lobby since 0, but unreachable since 2 and may come back until 12.",
            ["joined", "graceBegan"],
        ),
        (
            [by("ana", "connectionLost", 2, session="1", grace=10.0)],
            "ana is in lobby since 0, but unreachable since 2.",
            ["joined", "connectionLost"],
        ),
        (
            [about("ana", "1", "remoteUserBack", 2), by_server("serverStarted", 9)],
            "ana was in lobby since 0 when the server ended without a word, some time after 2; it was started again"
            " at 9.",
            ["joined", "remoteUserBack", "serverStarted"],
        ),
    ],
)
def test_who_has_not_left(lines: list[Entry], sentence: str, rests_on: list[str]) -> None:
    explanation = explained(*lines)
    assert (explanation.sentence, evidence(explanation)) == (sentence, rests_on)
    assert (explanation.reason, explanation.at) == (None, None)


def test_who_was_there_before_the_journal_began() -> None:
    stays = stays_of([about("ana", "1", "remoteUserBack", 2)], "ana")
    assert explain(stays, stays[0], clock, NOON + 3).sentence == (
        "ana is still in lobby, since 2, as far as the journal goes: to 3."
    )


def test_a_time_that_something_took_is_as_exact_as_is_of_interest() -> None:
    assert [span(seconds) for seconds in (0.0, 0.00044, 0.0123, 0.9, 1.0, 12.34)] == [
        *("0.0 ms", "0.4 ms", "12 ms", "900 ms", "1.0 s", "12.3 s"),
    ]


def test_the_details_of_a_line_are_what_no_other_column_shows() -> None:
    assert details(JOINED, clock) == ""
    line = about("ana", "1", "graceBegan", 0, grace=10.0, until=NOON + 10)
    assert details(line, clock) == "until 10, grace 10.0"
