"""What a PATCH of a WHIP or WHEP session brings: candidates (RFC 9725, section 4.3; RFC 8840, section 9). Pure."""

from dataclasses import dataclass

MEDIA_TYPE = "application/trickle-ice-sdpfrag"
MOST_CANDIDATES = 64  # of one session; a machine has fewer addresses than that


class BadFragment(Exception):
    """This is no fragment of a session description that says anything about ICE."""


@dataclass(frozen=True, slots=True)
class Found:
    """One candidate: its line without "a=", and the medium that it is for."""

    candidate: str
    mid: str | None
    index: int  # of the medium in the fragment


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a fragment says. `ice_user` None: it does not name the ICE session that it is of."""

    ice_user: str | None
    candidates: tuple[Found, ...]


def read_fragment(text: str) -> Fragment:
    """Return what a fragment says. Raises `BadFragment`, whose text says what is wrong with it."""
    ice_user, mid, index = None, None, 0
    found: list[Found] = []
    for line in text.splitlines():
        name, _, value = line.strip().partition(":")
        if name.startswith("m="):
            mid, index = None, index + 1
        elif name == "a=ice-ufrag":
            ice_user = ice_user or value
        elif name == "a=mid":
            mid = value
        elif name == "a=candidate" and value:
            found.append(Found(f"candidate:{value}", mid, max(index - 1, 0)))
    if ice_user is None and not found and "a=end-of-candidates" not in text:
        raise BadFragment("the fragment has neither a=ice-ufrag nor a=candidate")
    return Fragment(ice_user, tuple(found[:MOST_CANDIDATES]))


def is_restart(fragment: Fragment, ice_user: str) -> bool:
    """Whether a fragment is of another ICE session than the one with this user name fragment."""
    return fragment.ice_user not in (None, ice_user)


def matches(if_match: str, tag: str) -> bool:
    """Whether an If-Match header names this entity tag, or any (RFC 9110, section 13.1.1). Weak ones never match."""
    return if_match.strip() == "*" or tag in (one.strip() for one in if_match.split(","))
