"""Last words, and who waits until something has been acknowledged. A core: what a `Room` decides upon, beside the roll.

out ── last word ──► hung up on
│        └── which is to be acknowledged ──► awaited ── acknowledged, socket gone, or too late ──► hung up on
└── waits until the others know ── they do, or too late ──► last word, hung up on
"""

from collections.abc import Iterable

import msgspec

from signaling.acknowledgements import Acknowledgements, Parting, Question
from signaling.departures import Departures
from signaling.effects import Asked, Effect, Exited, Hangup, Send, Unheard
from signaling.members import Member
from signaling.messages import ACK_LIMIT, Ack, ExitRoom
from signaling.reasons import Detection, Reason
from signaling.roll import Roll


class Farewells(Roll):
    """A roll, and those who are out of it or wait for those who are in."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._acknowledgements = Acknowledgements()
        self._departures = Departures()

    def acknowledge(self, session: str, message: Ack) -> list[Effect]:
        """Note that a session knows of somebody's leave, or of its own, for whom it may have been the last to."""
        if (member := self._members.get(session)) is not None:
            member.has_heard(message.seq)
        hung_up = self._departures.acknowledge(session, message.seq)
        return [*self._acknowledgements.acknowledge(session, message.seq), *hung_up]

    def awaits(self, session: str) -> bool:
        """Whether a session is out and still to acknowledge that."""
        return session in self._departures

    @property
    def leavers(self) -> set[str]:
        """The sessions that are out, and whose sockets are needed still."""
        return self._acknowledgements.leavers | self._departures.leavers

    def despair(self, session: str) -> list[Effect]:
        """Note that the socket of such a session is gone: it will acknowledge nothing."""
        return [*self._acknowledgements.despair(session), *self._departures.end(session)]

    def ask(self, seq: int, asked: Iterable[Member], also: Iterable[Member] = (), *, now: float) -> list[Effect]:
        """Let whoever asked for something know when `asked` have acknowledged what they were told of it as `seq`.

        Nobody waits for those in `also`, who were told or could not be reached.
        """
        members = [*asked]
        # Where nobody is left to acknowledge, nothing was told: the last `seq` may be another question's, who waits.
        about = f"{self.name}/{seq}" if members else f"{self.name}/{seq} at once"
        heard = tuple(member.user for member in [*also, *members] if member.is_here)
        question = Question(about, heard, tuple(member.user for member in also if not member.is_here))
        if not members:
            return question.effects([])
        awaited = {member.session: member.user for member in members}
        self._acknowledgements.begin(seq, question, awaited, until=now + ACK_LIMIT)
        return [Asked(about)]

    def part(self, parting: Parting, seq: int, awaited: Iterable[Member], *, now: float) -> list[Effect]:
        """Say somebody's last word once these have acknowledged what they were told as `seq`."""
        users = {member.session: member.user for member in awaited}
        if not users:
            return parting.effects([])
        self._acknowledgements.begin(seq, parting, users, until=now + ACK_LIMIT)
        return []

    def let_go(
        self,
        member: Member,
        reason: Reason,
        detected_by: Detection,
        text: str | None,
        silent_for: float = 0.0,
        *,
        ack: int = 0,
        now: float = 0.0,
    ) -> list[Effect]:
        """Say to somebody who is out that they are, and hang up; with `ack` once they have acknowledged it as that."""
        exited = Exited(member.session, self.name, member.user, reason, detected_by, silent_for, text)
        last = ExitRoom(reason=reason, text=text)
        # Who is here may be so no more: a cut that nobody has noticed yet. Their own word they know themselves.
        unheard = [] if detected_by is Detection.NOTICE else [Unheard(member.session, member.secret, last)]
        if not member.is_here:
            return [exited, *unheard]
        if not ack:
            return [exited, *unheard, Send((member.session,), last), Hangup(member.session)]
        self._departures.begin(member.session, ack, until=now + ACK_LIMIT)
        asking = msgspec.structs.replace(last, seq=ack, wants_ack=True)
        return [exited, *unheard, Send((member.session,), asking)]
