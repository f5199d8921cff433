import pytest

from signaling.reasons import WORDS, Detection, Reason

TABLE = [
    ("left", 0, 0, "clientDisconnected", "CLIENT_INITIATED"),
    ("kicked", 1, 2, "forceDisconnected", "PARTICIPANT_REMOVED"),
    ("dismissed", 2, None, "forceDisconnected", "ROOM_DELETED"),
    ("replaced", 3, 2, "forceDisconnected", "DUPLICATE_IDENTITY"),
    ("token_expired", 4, 2, "forceDisconnected", "PARTICIPANT_REMOVED"),
    ("network_lost", 5, 1, "networkDisconnected", "CONNECTION_TIMEOUT"),
    ("crashed", None, 1, "networkDisconnected", "CONNECTION_TIMEOUT"),
    ("server_shutdown", 6, None, "forceDisconnected", "SERVER_SHUTDOWN"),
    ("error", 7, 0, "clientDisconnected", "CLIENT_INITIATED"),
    ("moved", None, 2, "forceDisconnected", "PARTICIPANT_REMOVED"),
]


@pytest.mark.parametrize(("reason", "own", "others", "opentok", "livekit"), TABLE)
def test_a_reason_has_the_words_of_other_systems(
    reason: str, own: int | None, others: int | None, opentok: str, livekit: str
) -> None:
    said = Reason(reason)
    assert (said.trtc, said.trtc_remote, said.opentok, said.livekit) == (own, others, opentok, livekit)


def test_the_table_holds_every_reason_once() -> None:
    assert [row[0] for row in TABLE] == [reason.value for reason in Reason]
    assert set(WORDS) == set(Reason)


def test_every_way_to_know_of_a_leave_has_its_word() -> None:
    assert [known.value for known in Detection] == [
        "notice",
        "socket_closed",
        "heartbeat",
        "guard",
        "admin",
        "media",
    ]
