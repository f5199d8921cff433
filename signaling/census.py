"""How many there are of what a server has, at one moment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Census:
    """What a node counts when it is asked."""

    rooms: int = 0
    here: int = 0  # users
    unreachable: int = 0  # users
    sockets: int = 0  # of those who are in no room, too
    waiting: int = 0  # messages in the outboxes of all sockets
    waiting_most: int = 0  # messages in the fullest of them
