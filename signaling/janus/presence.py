"""Who may be in a VideoRoom, of those who are, as Janus says. A core.

Janus lets in whoever has a token, under whichever id they say: it does not bind the two. So each of our sessions comes
in under a name that takes its own token to be made (`janus_words.stay_name`), another one at each stay. Names can be
read by all who are there; that is why the name of a stay that is over, or of an earlier one, is good for nothing.
"""

from dataclasses import dataclass, field

from signaling.janus_words import janus_id


@dataclass(slots=True)
class Presence:
    """The sessions that belong into one VideoRoom, and which stay of theirs there is the latest."""

    _sessions: dict[int, str] = field(default_factory=dict)  # by the id of the participant
    _latest: dict[int, int] = field(default_factory=dict)  # number of the stay, by the same
    _inside: set[int] = field(default_factory=set)  # whose latest stay is not over, as far as we have heard

    def add(self, session: str) -> None:
        """A session belongs there."""
        self._sessions[janus_id(session)] = session

    def remove(self, session: str) -> None:
        """A session belongs there no more."""
        participant = janus_id(session)
        self._sessions.pop(participant, None)
        self._latest.pop(participant, None)
        self._inside.discard(participant)

    def session(self, participant: int) -> str | None:
        """Return whose id that is; `None`: nobody's who belongs there."""
        return self._sessions.get(participant)

    def takes(self, participant: int, stay: int | None) -> bool:
        """Note that a participant is in; return whether they are whose id they have.

        `stay` is the number in their name; `None`: it was not made with the token that goes with the id.
        """
        latest = self._latest.get(participant, -1)
        if participant not in self._sessions or stay is None or stay < latest:
            return False
        if stay == latest:
            return participant in self._inside
        self._latest[participant] = stay
        self._inside.add(participant)
        return True

    def left(self, participant: int) -> None:
        """Note that a participant is out: that stay is over."""
        self._inside.discard(participant)

    def missing(self, present: set[int]) -> set[int]:
        """Return who is thought to be in, but is not among those who are."""
        return self._inside - present
