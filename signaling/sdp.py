"""Which way media flow by a session description (RFC 8866, RFC 9429). A core: it reads, and never fails.

Where a description is not clear, it counts as asking for more rather than for less.
"""

import re
from dataclasses import dataclass

DIRECTION = re.compile(r"a=(sendrecv|sendonly|recvonly|inactive)[ \t]*\Z")
BOTH = "sendrecv"  # what holds where no direction is given (RFC 8866, section 6.7)


@dataclass(frozen=True, slots=True)
class Flow:
    """What the side that made a description wants to do."""

    sends: bool
    receives: bool


def flow(sdp: str) -> Flow:
    """Return whether whoever made this description would send and receive pictures or sound."""
    lines = sdp.split("\n")
    if len(sdp.splitlines()) != len(lines) - (not lines[-1]):
        return Flow(sends=True, receives=True)  # breaks of lines that some readers see and others do not
    session, *media = _sections([line.rstrip("\r") for line in lines])
    usual = _directions(session) or {BOTH}
    directions = {one for section in media if _is_used(section) for one in _directions(section) or usual}
    return Flow(sends=bool(directions & {BOTH, "sendonly"}), receives=bool(directions & {BOTH, "recvonly"}))


def _sections(lines: list[str]) -> list[list[str]]:
    """Return the lines that are about the session, and those of each medium."""
    sections: list[list[str]] = [[]]
    for line in lines:
        if line.lstrip()[:2].lower() == "m=":
            sections.append([])
        sections[-1].append(line)
    return sections


def _directions(section: list[str]) -> set[str]:
    return {found[1] for line in section if (found := DIRECTION.match(line))}


def _is_used(section: list[str]) -> bool:
    """Whether it is about media, and not refused; a port of 0 may also mean that another's is used (RFC 9143)."""
    kind, port = [*section[0].split("=", 1)[1].split(), "", ""][:2]
    return kind != "application" and (port != "0" or any(line.startswith("a=bundle-only") for line in section))
