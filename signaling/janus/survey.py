"""What else is at a Janus: how busy it is with rooms of other nodes, and what killed servers have left. A core."""

from collections.abc import Container, Iterable

from signaling.janus.hosting import Listed

LEFT_BEHIND = 60.0  # seconds for which one that is not ours may be empty: other nodes' have somebody by then


class Survey:
    """Looks at the list of VideoRooms, again and again. `users` is how many there are in those that are not ours."""

    def __init__(self, *, left_behind: float = LEFT_BEHIND) -> None:
        self.users = 0
        self._left_behind = left_behind
        self._empty_since: dict[int, float] = {}

    def take(self, rooms: Iterable[Listed], ours: Container[int], mark: str, now: float) -> list[int]:
        """Take in a list; return the VideoRooms that are to be destroyed. `mark` is on what our servers have created.

        Should one of them be another node's all the same, that one notices and places its room anew.
        """
        others = [room for room in rooms if room.room not in ours]
        self.users = sum(room.num_participants for room in others)
        empty = [room.room for room in others if room.description == mark and not room.num_participants]
        self._empty_since = {number: self._empty_since.get(number, now) for number in empty}
        return [number for number, since in self._empty_since.items() if now - since >= self._left_behind]
