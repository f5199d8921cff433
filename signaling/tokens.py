"""Who may come in and what they may do there: JSON Web Tokens (RFC 7519), signed with one of the server's keys.

    {"room": "lobby", "user": "ana", "grants": ["publish", "subscribe"], "exp": 1900000000}

`room` may be a pattern, in which `*` stands for any characters: "team-*". A claim that is missing restricts nothing,
but `grants`: without it, the token is for `publish`, `subscribe` and `message` alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import jwt
import msgspec

from signaling.keys import Key
from signaling.messages import ErrorCode


class Grant(StrEnum):
    """What a token can allow."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"
    MESSAGE = "message"
    MODERATE = "moderate"  # kick, dismiss and mute
    ADMIN = "admin"  # the same, for programs that are in no room


DEFAULT_GRANTS = frozenset({Grant.PUBLISH.value, Grant.SUBSCRIBE.value, Grant.MESSAGE.value})
MEDIA_GRANTS = frozenset({Grant.PUBLISH.value, Grant.SUBSCRIBE.value})
ALL_GRANTS = frozenset(grant.value for grant in Grant)


@dataclass(frozen=True)
class Admission:
    """What a token turned out to allow. `None` as user or room: any; a room may be a pattern if none was asked for."""

    user: str | None
    room: str | None
    expires: float | None = None  # wall time, seconds since 1970; None: never
    grants: frozenset[str] = ALL_GRANTS
    digest: str | None = None  # of the token, to know it again

    @property
    def can_moderate(self) -> bool:
        """Whether it lets one remove users and close the room."""
        return Grant.MODERATE in self.grants or Grant.ADMIN in self.grants

    def covers(self, room: str) -> bool:
        """Whether it is for that room."""
        return self.room is None or matches(self.room, room)


class TokenError(Exception):
    """A token that does not let anybody in."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class _Claims(msgspec.Struct, frozen=True):
    room: str | None = None
    user: str | None = None
    exp: float | None = None
    nbf: float | None = None
    grants: frozenset[str] = DEFAULT_GRANTS


def verify(
    token: str | None, keys: Key | str | Iterable[Key] | None, room: str | None, user: str | None, wall: float
) -> Admission:
    """Return what `token` allows `user` in `room` at the wall time `wall`, or raise `TokenError`.

    Without a key everything is allowed to everybody. A `room` or `user` of `None` is not compared: the admission
    then holds what the token says.
    """
    ring = _ring(keys)
    if not ring:
        return Admission(user, room)
    if token is None:
        raise TokenError(ErrorCode.TOKEN_REQUIRED, "this server lets nobody in without a token")
    claims = _read(token, ring)
    _check_time(claims, wall)
    if None not in (claims.user, user) and claims.user != user:
        raise TokenError(ErrorCode.TOKEN_INVALID, "the token is for another user")
    if claims.room is not None and room is not None and not matches(claims.room, room):
        raise TokenError(ErrorCode.TOKEN_INVALID, "the token is for another room")
    return Admission(user or claims.user, room or claims.room, claims.exp, claims.grants, digest(token))


def matches(pattern: str, room: str) -> bool:
    """Whether a room is what a pattern means, in which `*` stands for any characters. Takes no more than one pass."""
    head, *parts = pattern.split("*")
    if not parts:
        return pattern == room
    *middle, tail = parts
    at, end = len(head), len(room) - len(tail)
    if at > end or not room.startswith(head) or not room.endswith(tail):
        return False
    for part in middle:
        found = room.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def digest(token: str | None) -> str | None:
    """Return what a token can be known by, from which it cannot be told."""
    return None if token is None else sha256(token.encode(errors="surrogatepass")).hexdigest()


def make(
    key: Key | str,
    room: str | None = None,
    user: str | None = None,
    grants: Iterable[str] = DEFAULT_GRANTS,
    expires: float | None = None,
) -> str:
    """Return a token for that room and user (`None`: any), valid until the wall time `expires` (`None`: for ever).

    Raises `ValueError` for a key that cannot sign.
    """
    signer = key if isinstance(key, Key) else Key(key)
    claims = {"room": room, "user": user, "grants": sorted(grants), "exp": expires}
    known = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(known, signer.signing, signer.algorithm, None if signer.id is None else {"kid": signer.id})


def _ring(keys: Key | str | Iterable[Key] | None) -> tuple[Key, ...]:
    if keys is None:
        return ()
    if isinstance(keys, str):
        return (Key(keys),)
    return (keys,) if isinstance(keys, Key) else tuple(keys)


def _read(token: str, ring: tuple[Key, ...]) -> _Claims:
    try:
        named = jwt.get_unverified_header(token).get("kid")
        for key in ring:
            if key.fits(named) and (claims := _claims(token, key)) is not None:
                return claims
    except (jwt.PyJWTError, RecursionError):
        pass  # it is no token at all, which is said below
    raise TokenError(ErrorCode.TOKEN_INVALID, "the token is not one that this server's key has signed")


def _claims(token: str, key: Key) -> _Claims | None:
    """Return what a token says, `None` unless that key has signed it."""
    # The clock is the caller's, so PyJWT must not look at its own. A token for an `aud` is for somebody else.
    try:
        claims = jwt.decode(
            *(token, key.verifying, [key.algorithm]),
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
        return msgspec.convert(claims, _Claims)
    except (jwt.PyJWTError, msgspec.ValidationError, RecursionError):
        return None


def _check_time(claims: _Claims, wall: float) -> None:
    # Written so that a NaN, which JSON in Python can hold, is refused.
    if claims.exp is not None and not wall < claims.exp:
        raise TokenError(ErrorCode.TOKEN_EXPIRED, "the token has expired")
    if claims.nbf is not None and not wall >= claims.nbf:
        raise TokenError(ErrorCode.TOKEN_INVALID, "the token is not valid yet")
