"""What a gateway changes in session descriptions between a page of RTCMultiConnection and one of our clients. A core.

A page whose `session` has no data accepts a data channel, and hears nothing of it. So it is shown that none comes
about: in our client's offer, or its answer, the section for data is refused (a port of 0, RFC 8829, section 5.3.1). Our
client is shown that it is accepted, as aiortc cannot read a refused section: nobody answers in its channel, so it never
opens, and what is said goes through the server.
"""

import re

DATA = "m=application "
DATA_PORT = 5000  # of SCTP, as everybody's
BUNDLE = "a=group:BUNDLE"
TRANSPORT = ("a=ice-ufrag:", "a=ice-pwd:", "a=ice-options:", "a=fingerprint:", "a=setup:")
SECTION = re.compile(r"^(?=m=)", re.MULTILINE)


def refuse_data(sdp: str) -> str:
    """Return a description without data: the section stays, as sections are counted, but is refused.

    Where there is nothing else it is not: there would be no connection, and no page says `onleave` without one.
    """
    session, *media = SECTION.split(sdp)
    if all(section.startswith(DATA) for section in media):
        return sdp
    for number, section in enumerate(media):
        if section.startswith(DATA):
            media[number] = re.sub(r"^m=application \d+", "m=application 0", section)
            session = _bundled(session, without=_mid(section))
    return "".join([session, *media])


def accept_data(answer: str) -> str:
    """Return an answer in which a refused section for data is accepted, on the connection that all the rest uses."""
    session, *media = SECTION.split(answer)
    used = [section for section in media if not _is_refused(section)]
    for number, section in enumerate(media):
        if section.startswith(DATA) and _is_refused(section) and used:
            media[number] = _accepted(_mid(section), like=used[0])
            session = _bundled(session, also=_mid(section))
    return "".join([session, *media])


def _is_refused(section: str) -> bool:
    return re.match(r"m=\w+ 0 ", section) is not None


def _mid(section: str) -> str:
    found = re.search(r"^a=mid:(\S+)", section, re.MULTILINE)
    return found[1] if found else ""


def _accepted(mid: str, *, like: str) -> str:
    transport = [line for line in like.splitlines() if line.startswith(TRANSPORT)]
    lines = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", *transport]
    return "".join(f"{line}\r\n" for line in [*lines, f"a=mid:{mid}", f"a=sctp-port:{DATA_PORT}"])


def _bundled(session: str, *, without: str = "", also: str = "") -> str:
    """Return the lines about the whole session, with another list of sections that share one connection."""
    lines = session.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.startswith(BUNDLE):
            mids = [mid for mid in line.split()[1:] if mid != without]
            lines[number] = " ".join([BUNDLE, *mids, *([also] if also else [])]) + "\r\n"
    return "".join(lines)
