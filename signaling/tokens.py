"""Who may come in and what they may do there: JSON Web Tokens (RFC 7519), signed with HS256 and the server's key.

    {"room": "lobby", "user": "ana", "grants": ["publish", "subscribe"], "exp": 1900000000}

A claim that is missing restricts nothing, but `grants`: without it, the token is for `publish` and `subscribe` alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import jwt
import msgspec

from signaling.messages import ErrorCode

ALGORITHM = "HS256"
FULL_KEY = 32  # bytes


class Grant(StrEnum):
    """What a token can allow."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"
    MESSAGE = "message"
    MODERATE = "moderate"  # kick and dismiss
    ADMIN = "admin"  # the same, for programs that are in no room


DEFAULT_GRANTS = frozenset({Grant.PUBLISH.value, Grant.SUBSCRIBE.value})
ALL_GRANTS = frozenset(grant.value for grant in Grant)


@dataclass(frozen=True)
class Admission:
    """What a token turned out to allow. `None` as user or room: any."""

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
        return self.room in {None, room}


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


def verify(token: str | None, key: str | None, room: str | None, user: str | None, wall: float) -> Admission:
    """Return what `token` allows `user` in `room` at the wall time `wall`, or raise `TokenError`.

    Without a key everything is allowed to everybody. A `room` or `user` of `None` is not compared: the admission
    then holds what the token says.
    """
    if key is None:
        return Admission(user, room)
    if token is None:
        raise TokenError(ErrorCode.TOKEN_REQUIRED, "this server lets nobody in without a token")
    claims = _read(token, key)
    _check_time(claims, wall)
    return Admission(
        _same("user", claims.user, user),
        _same("room", claims.room, room),
        claims.exp,
        claims.grants,
        digest(token),
    )


def digest(token: str | None) -> str | None:
    """Return what a token can be known by, from which it cannot be told."""
    return None if token is None else sha256(token.encode(errors="surrogatepass")).hexdigest()


def make(
    key: str,
    room: str | None = None,
    user: str | None = None,
    grants: Iterable[str] = DEFAULT_GRANTS,
    expires: float | None = None,
) -> str:
    """Return a token for that room and user (`None`: any), valid until the wall time `expires` (`None`: for ever)."""
    claims = {"room": room, "user": user, "grants": sorted(grants), "exp": expires}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, _padded(key), ALGORITHM)


def _read(token: str, key: str) -> _Claims:
    # The clock is the caller's, so PyJWT must not look at its own. A token for an `aud` is for somebody else.
    try:
        claims = jwt.decode(
            token, _padded(key), [ALGORITHM], {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        )
        return msgspec.convert(claims, _Claims)
    except (jwt.PyJWTError, msgspec.ValidationError, RecursionError):
        raise TokenError(ErrorCode.TOKEN_INVALID, "the token is not one that this server's key has signed") from None


def _check_time(claims: _Claims, wall: float) -> None:
    # Written so that a NaN, which JSON in Python can hold, is refused.
    if claims.exp is not None and not wall < claims.exp:
        raise TokenError(ErrorCode.TOKEN_EXPIRED, "the token has expired")
    if claims.nbf is not None and not wall >= claims.nbf:
        raise TokenError(ErrorCode.TOKEN_INVALID, "the token is not valid yet")


def _same(name: str, claim: str | None, asked: str | None) -> str | None:
    if claim is not None and asked is not None and claim != asked:
        raise TokenError(ErrorCode.TOKEN_INVALID, f"the token is for another {name}")
    return claim if asked is None else asked


def _padded(key: str) -> bytes:
    """Return the key with the zeros that HMAC would append anyway (RFC 2104); PyJWT warns of keys below 32 bytes."""
    return key.encode().ljust(FULL_KEY, b"\0")
