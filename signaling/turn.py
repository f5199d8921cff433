"""Time-limited credentials for a TURN server that shares a secret with us. A core.

The convention of coturn's `use-auth-secret` ("TURN REST API"): the user name is the moment until which it is valid, in
seconds since 1970, a colon and a name; the password is the HMAC-SHA1 of that user name, in base64.
"""

from base64 import b64encode
from hashlib import sha1
from hmac import digest

from signaling.config import SignalingConfig
from signaling.deadlines import Deadlines
from signaling.messages import IceServer

RENEWED_AFTER = 0.5  # of their lifetime: whoever is cut off just then still has the other half


def ice_servers(config: SignalingConfig, user: str, wall: float) -> list[IceServer]:
    """Return what `user` is to use from the wall time `wall` on."""
    if config.turn_secret is None:
        return list(config.ice_servers)
    username = f"{int(wall + config.turn_ttl)}:{user}"
    password = b64encode(digest(config.turn_secret.encode(), username.encode(), sha1)).decode()
    turn = IceServer(urls=list(config.turn_urls), username=username, credential=password)
    return [*config.ice_servers, turn]


class Renewals:
    """Who was given credentials, and when they are to get new ones."""

    def __init__(self, ttl: float) -> None:
        self._after = ttl * RENEWED_AFTER
        self._users: dict[str, str] = {}  # by session
        self._deadlines = Deadlines()

    def given(self, session: str, user: str, now: float) -> None:
        """Note that a session has credentials that are new."""
        self._users[session] = user
        self._deadlines.set(session, now + self._after)

    def forget(self, session: str) -> None:
        """Note that a session is gone. One that was given none is ignored."""
        if self._users.pop(session, None) is not None:
            self._deadlines.set(session, None)

    def next_deadline(self) -> float | None:
        """Return when `take` has something to give, `None` if it never has."""
        return self._deadlines.next()

    def take(self, now: float) -> list[tuple[str, str]]:
        """Return the sessions that are to get new credentials, with their users; each is noted as having them."""
        due = [(session, self._users[session]) for session in self._deadlines.take(now)]
        for session, user in due:
            self.given(session, user, now)
        return due
