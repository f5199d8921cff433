"""How far the others have been told, without a loop."""

import pytest

from peer.notice import Notice, Wait


def begun(wait: Wait, *users: str, is_sent: bool = True) -> Notice:
    notice = Notice()
    notice.begin(wait, users, is_sent=is_sent)
    return notice


def test_the_servers_answer_ends_it() -> None:
    notice = begun("server", "bo")
    assert (notice.is_over, notice.status) == (False, "sent")
    notice.confirmed()
    assert (notice.is_over, notice.status) == (True, "acknowledged")


def test_who_waits_for_nobody_is_done_at_once() -> None:
    assert begun(None, "bo").is_over
    assert begun(None, "bo").status == "sent"
    assert begun(None, "bo", is_sent=False).status == "none"


def test_acknowledgements_of_all_the_others_end_a_wait_for_everyone_without_the_server() -> None:
    notice = begun("everyone", "bo", "cy", is_sent=False)
    notice.acknowledged("bo")
    notice.acknowledged("bo")
    assert (notice.is_over, notice.unacknowledged) == (False, ("cy",))
    notice.acknowledged("cy")
    assert (notice.is_over, notice.unacknowledged) == (True, ())


def test_the_server_names_who_did_not_acknowledge_but_what_we_heard_ourselves_counts_too() -> None:
    notice = begun("everyone", "bo", "cy", "di")
    notice.acknowledged("bo")
    notice.confirmed(["bo", "di"])
    assert (notice.is_over, notice.unacknowledged) == (True, ("di",))


def test_who_leaves_an_empty_room_waits_for_the_server() -> None:
    notice = begun("everyone")
    assert not notice.is_over
    notice.confirmed()
    assert notice.is_over


def test_who_did_not_answer_in_time_is_named() -> None:
    assert begun("everyone", "cy", "bo").unacknowledged == ("bo", "cy")
    assert begun("server", "bo").unacknowledged == ()


@pytest.mark.parametrize("wait", ["server", "everyone", None])
def test_whom_the_server_has_let_go_waits_for_nobody(wait: Wait) -> None:
    notice = Notice()
    notice.confirmed()
    notice.begin(wait, ["bo"], is_sent=True)
    assert (notice.is_over, notice.unacknowledged) == (True, ())


def test_what_is_said_once_more_is_not_taken_back_and_who_has_answered_need_not_again() -> None:
    notice = begun("everyone", "bo", "cy")
    notice.acknowledged("bo")
    notice.begin("everyone", ["bo", "cy"], is_sent=False)
    assert (notice.status, notice.unacknowledged) == ("sent", ("cy",))
