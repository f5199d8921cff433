"""Which lines of a journal belong together, and which of them says how somebody left."""

import pytest

from peer.cli.stays import ending_of, stays_of, users_of
from signaling.entry import Entry
from signaling.reasons import Detection, Reason
from tests.peer.cli.lines import about, by, by_server

LEFT, LOST, NOTICE, HEARTBEAT = Reason.LEFT, Reason.NETWORK_LOST, Detection.NOTICE, Detection.HEARTBEAT


def words(lines: tuple[Entry, ...]) -> list[str]:
    return [line.event for line in lines]


def test_lines_belong_to_the_session_of_a_user_even_before_the_user_is_known() -> None:
    lines = [
        by_server("serverStarted", 0),
        by_server("socketOpened", 1, session="1"),
        by_server("socketOpened", 1, session="nobody"),
        about("ana", "1", "joined", 2),
        about("bo", "2", "joined", 2),
        by("ana", "leaving", 3, session="1"),
        by("bo", "remoteUserLeave", 3, session="1", user="ana", reason=LEFT, detected_by=NOTICE),
        by_server("exitRoom", 4, session="1"),
        about("ana", "3", "joined", 5),
        about("ana", "4", "joined", 6, room="attic"),
    ]
    assert users_of(lines) == ["ana", "bo"]
    first, second, third = stays_of(lines, "ana")
    assert (first.session, first.room, first.user) == ("1", "lobby", "ana")
    assert words(first.lines) == ["socketOpened", "joined", "leaving", "remoteUserLeave", "exitRoom"]
    assert (second.session, third.room) == ("3", "attic")
    assert [stay.session for stay in stays_of(lines, "ana", "attic")] == ["4"]
    assert stays_of(lines, "eva") == []


def test_what_concerns_everybody_concerns_those_who_are_there() -> None:
    lines = [
        by_server("dismissAsked", 0, room="lobby"),
        about("ana", "1", "joined", 1),
        by_server("dismissAsked", 2, room="attic"),
        by_server("dismissAsked", 3, room="lobby"),
        by_server("serverStopping", 4),
    ]
    (stay,) = stays_of(lines, "ana")
    assert words(stay.lines) == ["joined", "dismissAsked", "serverStopping"]
    assert stay.last.event == "joined"


def test_the_last_line_of_each_writer() -> None:
    lines = [
        about("ana", "1", "joined", 0),
        by("ana", "step", 1, session="1", name="notifying"),
        by("ana", "step", 2, session="1", name="releasing"),
        by("bo", "remoteUserLeave", 3, session="1", user="ana", reason=LEFT, detected_by=NOTICE),
    ]
    (stay,) = stays_of(lines, "ana")
    step = stay.own("step", "leaving")
    assert step is not None
    assert step.name == "releasing"
    assert stay.server("step") is None
    assert stay.own("remoteUserLeave") is None


def test_a_server_that_started_again_had_ended() -> None:
    joined, started = about("ana", "1", "joined", 0), by_server("serverStarted", 1)
    (stay,) = stays_of([joined, started], "ana")
    assert stay.restart == started
    (stay,) = stays_of([started, joined], "ana")
    assert stay.restart is None


WITNESSES = [  # best first
    about("ana", "1", "exited", 9, reason=LOST, detected_by=HEARTBEAT),
    about("ana", "1", "remoteUserLeave", 8, reason=LOST, detected_by=HEARTBEAT, silent_for=1.5),
    by("ana", "exitRoom", 7, session="1", reason=LOST, text="cable"),
    by_server("exitRoom", 6, session="1", reason=LOST),
    by("bo", "remoteUserLeave", 5, session="1", user="ana", reason=LOST, detected_by=HEARTBEAT, silent_for=1.5),
    by("ana", "leaving", 4, session="1", reason=LOST),
]


@pytest.mark.parametrize("best", range(len(WITNESSES)))
def test_the_best_witness_says_how_it_ended(best: int) -> None:
    others = [about("ana", "1", "joined", 0), by("bo", "leaving", 1, session="2", reason=LEFT)]
    (stay,) = stays_of([*others, *reversed(WITNESSES[best:])], "ana")
    ending = ending_of(stay)
    assert ending is not None
    assert (ending.line, ending.reason) == (WITNESSES[best], LOST)


def test_what_the_best_witness_does_not_say_is_taken_from_those_who_agree() -> None:
    disagrees = by("ana", "exitRoom", 1, session="1", reason=LEFT, text="SIGTERM")
    (stay,) = stays_of([WITNESSES[0], WITNESSES[1], disagrees, WITNESSES[3]], "ana")
    ending = ending_of(stay)
    assert ending is not None
    assert (ending.detected_by, ending.silent_for, ending.text) == (HEARTBEAT, 1.5, None)
    (stay,) = stays_of([WITNESSES[0], WITNESSES[2]], "ana")
    ending = ending_of(stay)
    assert ending is not None
    assert (ending.detected_by, ending.silent_for, ending.text) == (HEARTBEAT, None, "cable")


def test_without_a_witness_there_is_no_end() -> None:
    for lines in ([about("ana", "1", "joined", 0)], [about("ana", "1", "exited", 0)]):
        (stay,) = stays_of(lines, "ana")
        assert ending_of(stay) is None
