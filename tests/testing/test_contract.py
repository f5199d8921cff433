"""What counts as a breach of the exit contract, in journals made up for it."""

from itertools import count

from peer.testing.contract import breaches
from signaling.entry import Entry
from signaling.reasons import Reason


class Story:
    """Lines of a journal, a second apart: the server's, peers' and pages'."""

    def __init__(self) -> None:
        self.lines: list[Entry] = []
        self._seconds = count()

    def server(self, event: str, user: str = "ana", **facts: object) -> None:
        self._add("server", event, user=user, session=f"s-{user}", room="lobby", **facts)

    def peer(self, writer: str, event: str, about: str | None = None, *, who: str = "peer", **facts: object) -> None:
        session = f"s-{about or writer}"
        self._add(f"{who} lobby/{writer}", event, user=about, session=session, **facts)

    def _add(self, who: str, event: str, **facts: object) -> None:
        second = float(next(self._seconds))
        self.lines.append(Entry(mono=second, wall=second, who=who, event=event, **facts))

    def enter(self, *users: str, who: str = "peer") -> None:
        for user in users:
            self.server("joined", user)
            self.peer(user, "enterRoom", who=who)

    def leave(
        self, reason: Reason = Reason.LEFT, *, told: tuple[str, ...] = ("bo",), outcome: str = "verified"
    ) -> None:
        """Let ana leave by the contract."""
        self.peer("ana", "leaving", reason=reason)
        self.server("remoteUserLeave", reason=reason)
        self.server("exited", reason=reason)
        for user in told:
            self.peer(user, "remoteUserLeave", "ana", reason=reason)
        self.peer("ana", "released", device="camera", outcome=outcome)
        self.peer("ana", "exitRoom", reason=reason, total=0.1)
        self.peer("ana", "step", name="reporting")


def told(*users: str) -> Story:
    story = Story()
    story.enter(*users)
    return story


def test_an_exit_by_the_contract_is_no_breach() -> None:
    story = told("bo", "ana")
    story.leave()
    assert breaches(story.lines) == []
    assert breaches(story.lines, user="ana") == []


def test_where_nobody_has_left_nothing_can_be_said() -> None:
    story = told("bo", "ana")
    assert breaches(story.lines) == ["nobody has left, as the server's journal tells"]
    story.leave()
    assert breaches(story.lines, user="bo") == ["nobody called bo has left, as the server's journal tells"]


def test_whoever_is_not_told_or_told_twice_is_named() -> None:
    story = told("bo", "eve", "ana")
    story.leave(told=("bo", "bo"))
    assert breaches(story.lines) == ["ana (left): lobby/bo was told 2 times", "ana (left): lobby/eve was not told"]


def test_whoever_is_leaving_away_or_in_another_room_or_silent_need_not_be_told() -> None:
    story = told("bo", "eve", "max", "kim", "lou", "ana")
    story.server("joined", "silent")
    story.server("exited", "eve", reason=Reason.CRASHED)
    for user in ("bo", "max", "kim", "lou", "ana"):
        story.peer(user, "remoteUserLeave", "eve")
    story.peer("max", "leaving")
    story.server("moved", "kim")
    story.server("socketLost", "lou")
    story.leave()
    assert breaches(story.lines) == []


def test_whoever_is_back_has_to_be_told() -> None:
    story = told("bo", "ana")
    story.server("socketLost", "bo")
    story.server("resumed", "bo")
    story.leave(told=())
    assert breaches(story.lines) == ["ana (left): lobby/bo was not told"]


def test_of_a_room_that_is_dismissed_nobody_has_to_be_told() -> None:
    story = told("bo", "ana")
    story.leave(Reason.DISMISSED, told=())
    assert breaches(story.lines) == []


def test_an_exit_that_is_told_twice_never_or_not_last_is_a_breach() -> None:
    never = told("bo", "ana")
    never.server("exited", reason=Reason.KICKED)
    never.peer("bo", "remoteUserLeave", "ana")
    assert breaches(never.lines) == ["ana (kicked): onExitRoom fired 0 times"]
    twice = told("ana")
    twice.leave(told=())
    twice.peer("ana", "exitRoom")
    assert breaches(twice.lines) == ["ana (left): onExitRoom fired 2 times"]
    later = told("ana")
    later.leave(told=())
    later.peer("ana", "remoteUserJoin")
    assert breaches(later.lines) == ["ana (left): remoteUserJoin came after onExitRoom"]


def test_the_dead_closed_pages_and_those_without_a_journal_need_not_report() -> None:
    story = told("bo", "ana")
    story.enter("page", who="page")
    story.server("joined", "silent")
    for user, reason in (("ana", Reason.CRASHED), ("page", Reason.LEFT), ("silent", Reason.LEFT)):
        story.server("exited", user, reason=reason)
        for other in ("bo", "page") if user == "ana" else ("bo",):
            story.peer(other, "remoteUserLeave", user, who="page" if other == "page" else "peer")
    assert breaches(story.lines) == []


def test_a_device_that_is_stuck_or_let_go_too_soon_and_an_exit_that_takes_too_long_are_breaches() -> None:
    stuck = told("bo", "ana")
    stuck.leave(outcome="stuck")
    assert breaches(stuck.lines) == ["ana (left): the camera was not let go"]
    early = told("bo", "ana")
    early.peer("ana", "leaving")
    early.peer("ana", "released", device="camera", outcome="verified")
    early.leave()
    assert breaches(early.lines) == ["ana (left): a device was let go before the others were told"]
    assert breaches(early.lines, limit=0.05)[-1] == "ana (left): the exit took 0.1 s"
