"""When we gather which ICE candidates, and how the server learns of them (RFC 9725, sections 4.3 and 4.6). Pure.

    ICE servers are known ──► all is gathered ──► POST: the offer is whole, nothing follows
    none are known ──► host candidates ──► POST ──201──┬─ names servers ──► theirs are gathered, and follow by PATCH
                                                       └─ names none ──► the end of candidates follows by PATCH

Who knows the servers before needs no PATCH, which many servers do not take; who does not loses no time: the connection
is tried by host candidates while those of the servers are gathered. A PATCH that is refused is no failure: a server
that can be reached through a relay learns of that from our checks (RFC 8445, section 7.3.1.3).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from signaling.messages import IceServer

END = "a=end-of-candidates"
OPTIONS = "a=ice-options:"
TRICKLE = "trickle"


@dataclass(frozen=True, slots=True)
class Gathering:
    """What is gathered before the offer. `is_whole`: no candidates follow it."""

    servers: tuple[IceServer, ...]
    is_whole: bool


class Next(Enum):
    """What there is to do when the server has answered."""

    NOTHING = auto()  # the offer said all
    END = auto()  # it did, and the server does not know that yet
    BESIDE = auto()  # connect by what the offer said, gather more and tell of that
    FIRST = auto()  # the offer had no candidates: gather, tell of that, and then connect


def before_offer(own: Sequence[IceServer] | None, named: Sequence[IceServer]) -> Gathering:
    """Say what to gather before the offer: `own` are the program's servers, `named` those that OPTIONS named."""
    servers = tuple(named if own is None else own)
    return Gathering(servers, is_whole=own is not None or bool(servers))


def after_answer(gathering: Gathering, offer: str, named: Sequence[IceServer], *, takes_more: bool) -> Next:
    """Say what to do next: `named` are the servers that the 201 names; `takes_more`: it says that it takes a PATCH."""
    if gathering.is_whole:
        return Next.NOTHING
    if named:
        return Next.BESIDE if "\na=candidate:" in offer else Next.FIRST
    return Next.END if takes_more else Next.NOTHING


def can_relay(servers: Iterable[IceServer]) -> bool:
    """Whether there is a TURN server among these."""
    return any(url.startswith(("turn:", "turns:")) for server in servers for url in server.urls)


def open_ended(sdp: str) -> str:
    """Return a description without the end of its candidates, which says that more may follow (RFC 8840, section 4)."""
    lines = [line for line in sdp.splitlines() if line != END]
    first = next((index for index, line in enumerate(lines) if line.startswith("m=")), len(lines))
    if not any(line.startswith(OPTIONS) and TRICKLE in line for line in lines):
        lines.insert(first, f"{OPTIONS}{TRICKLE}")
    return "".join(f"{line}\r\n" for line in lines)


def without_end(sdp: str) -> str:
    """Return a description without the end of its candidates."""
    return "".join(f"{line}\r\n" for line in sdp.splitlines() if line != END)


def fragment(offer: str, candidates: Iterable[str]) -> str:
    """Write what follows our offer: all candidates that it had not, each as in SDP, and their end.

    They are of the first medium, with which all others are bundled.
    """
    lines = offer.splitlines()
    told = [line for line in lines if line.startswith("a=group:BUNDLE ")]
    told += [_first(lines, start) for start in ("m=", "a=mid:", "a=ice-ufrag:", "a=ice-pwd:")]
    told += [f"a={candidate}" for candidate in candidates]
    return "".join(f"{line}\r\n" for line in (*told, END))


def _first(lines: Iterable[str], start: str) -> str:
    return next(line for line in lines if line.startswith(start))
