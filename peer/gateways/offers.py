"""What a WHIP publisher or a WHEP player offers, and whether it can be taken. Pure.

No offer is taken in part (RFC 9725, section 4.4.3): what we cannot receive or send is refused, with a sentence that
says why, and before anybody in the room has heard of it.
"""

from dataclasses import dataclass

CODECS = {"audio": ("opus",), "video": ("h264", "vp8")}  # of each kind, one is needed
CHANNELS = "application"  # data channels, which browsers may offer besides
SENDS, RECEIVES = ("sendrecv", "sendonly"), ("sendrecv", "recvonly")
DIRECTIONS = {*SENDS, *RECEIVES, "inactive"}


class Malformed(Exception):
    """This is no session description (RFC 8866) of the kind that WebRTC uses."""


class Unacceptable(Exception):
    """This is one, but not one that can be answered here."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is needed to know of an offer that can be answered."""

    kinds: tuple[str, ...]  # "audio", "video": at least one
    ice_user: str  # the ICE user name fragment: another one is another ICE session


def read_offer(sdp: str, *, is_publisher: bool) -> Offer:
    """Return what an offer wants. Raises `Malformed` or `Unacceptable`, whose text says what is wrong with it."""
    session, *media = _sections(sdp)
    if not session or session[0] != "v=0" or not media:
        raise Malformed("a session description begins with v=0 and has at least one m= line")
    ice_user = next((user for part in (session, *media) if (user := _attribute(part, "ice-ufrag"))), None)
    if ice_user is None:
        raise Malformed("the description has no a=ice-ufrag")
    kinds = [_kind(part) for part in media]
    _check_all(kinds, session)
    wanted = {kind: part for kind, part in zip(kinds, media, strict=True) if kind in CODECS}
    for kind, part in wanted.items():
        _check(kind, part, session, is_publisher=is_publisher)
    return Offer(tuple(wanted), ice_user)


def _check(kind: str, part: list[str], session: list[str], *, is_publisher: bool) -> None:
    directions = [line[2:] for line in (*part, *session) if line[2:] in DIRECTIONS]
    direction = directions[0] if directions else "sendrecv"
    if direction not in (SENDS if is_publisher else RECEIVES):
        wanted = "sendonly" if is_publisher else "recvonly"
        raise Unacceptable(f"the {kind} that is offered is {direction}: it has to be {wanted}")
    names = {line.split(" ", 1)[-1].split("/")[0].lower() for line in part if line.startswith("a=rtpmap:")}
    if not names & set(CODECS[kind]):
        raise Unacceptable(f"the {kind} that is offered has none of the codecs {' and '.join(CODECS[kind])}")
    if "a=rtcp-mux" not in part:
        raise Unacceptable(f"the {kind} that is offered is without a=rtcp-mux")


def _check_all(kinds: list[str], session: list[str]) -> None:
    if not set(kinds) & set(CODECS):
        raise Unacceptable("neither audio nor video is offered")
    if len(kinds) > len(set(kinds)) or not set(kinds) <= {*CODECS, CHANNELS}:
        raise Unacceptable("what is offered is more than one audio, one video and one application")
    if len(kinds) > 1 and not any(line.startswith("a=group:BUNDLE ") for line in session):
        raise Unacceptable("what is offered has to be one BUNDLE group")


def _sections(sdp: str) -> list[list[str]]:
    """Return the lines that are about the session, and those of each medium."""
    sections: list[list[str]] = [[]]
    for line in sdp.splitlines():
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line.rstrip())
    return sections


def _kind(part: list[str]) -> str:
    return part[0][2:].split(" ", 1)[0]


def _attribute(part: list[str], name: str) -> str | None:
    start = f"a={name}:"
    return next((line.removeprefix(start) for line in part if line.startswith(start)), None)
