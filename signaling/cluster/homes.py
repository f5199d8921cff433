"""Where the sockets of sessions in our rooms are. A core.

A session outlives its sockets: one that resumes has another from then on, which is known by the session it was opened
as. So the late end of a former socket is not taken for a loss of the session.
"""

from typing import NamedTuple


class Home(NamedTuple):
    """The node that has the socket, and the session that it was opened as."""

    node: str
    connection: str


class Homes:
    """Every session in a room of the node called `here`, and those on their way in."""

    def __init__(self, here: str) -> None:
        self._here = here
        self._homes: dict[str, Home] = {}
        self._sessions: dict[str, str] = {}  # by connection

    def __len__(self) -> int:
        return len(self._homes)

    def settle(self, session: str, node: str, connection: str) -> None:
        """A session's socket is that one now."""
        self.pop(session)
        self._homes[session] = Home(node, connection)
        self._sessions[connection] = session

    def pop(self, session: str) -> Home | None:
        """A session has no socket any more; return the one it had."""
        home = self._homes.pop(session, None)
        if home is not None:
            self._sessions.pop(home.connection, None)
        return home

    def find(self, session: str) -> Home | None:
        """Return where a session's socket is, `None` if it has none."""
        return self._homes.get(session)

    def elsewhere(self, session: str) -> str | None:
        """Return the other node that has a session's socket, `None` if it is this one or there is none."""
        home = self._homes.get(session)
        return None if home is None or home.node == self._here else home.node

    def is_at(self, session: str, node: str, connection: str | None = None) -> bool:
        """Whether a session's socket is at that node, and is that one."""
        home = self._homes.get(session)
        return home is not None and home.node == node and connection in {None, home.connection}

    def session_of(self, connection: str) -> str | None:
        """Return whose socket this is now."""
        return self._sessions.get(connection)

    def at_any(self, nodes: "frozenset[str] | set[str]") -> list[str]:
        """Return the sessions whose sockets are at these nodes."""
        return [session for session, home in self._homes.items() if home.node in nodes]

    def nodes(self) -> set[str]:
        """Return all nodes that have any."""
        return {home.node for home in self._homes.values()}
