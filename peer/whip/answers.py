"""What a WHIP or WHEP server answers, and what is to be done about it (RFC 9725, section 4). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from yarl import URL

from peer.errors import Rejected, UsageError
from peer.whip.links import ice_servers
from signaling.messages import IceServer

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"  # RFC 8840, section 9
REDIRECTS = (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)  # which keep method and body
BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
MISDIRECTED = HTTPStatus.MISDIRECTED_REQUEST  # the session is at another node: ask over another connection
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
USUAL_WAIT, LONGEST_WAIT = 1.0, 5.0  # seconds before a busy server is asked again
MAX_TEXT = 200  # characters of what a server says that are passed on
HINTS = {
    HTTPStatus.UNAUTHORIZED: "it wants a token, or another one",
    HTTPStatus.FORBIDDEN: "our token does not allow this",
    HTTPStatus.NOT_FOUND: "there is nothing at this address",
    HTTPStatus.METHOD_NOT_ALLOWED: "this address is no WHIP or WHEP endpoint",
    HTTPStatus.NOT_ACCEPTABLE: "it cannot use what we offer",
    HTTPStatus.CONFLICT: "somebody else publishes there, or nobody does yet",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "this address is no WHIP or WHEP endpoint",
    HTTPStatus.UNPROCESSABLE_ENTITY: "it cannot use what we offer",
}


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back: names of headers in lower case, each with all its values."""

    status: int
    headers: Mapping[str, Sequence[str]]
    body: bytes = b""

    def header(self, name: str) -> str:
        """Return the first value of a header; empty if there is none."""
        return next(iter(self.headers.get(name, ())), "")


@dataclass(frozen=True, slots=True)
class Accepted:
    """Our offer was taken. `session` is the URL to DELETE in the end.

    `takes_more`: it says that it takes more candidates by PATCH, with `tag` as If-Match if that is not empty.
    """

    sdp: str
    session: URL
    ice_servers: tuple[IceServer, ...] = ()
    tag: str = ""
    takes_more: bool = False


@dataclass(frozen=True, slots=True)
class Redirected:
    """The offer is to be made somewhere else."""

    url: URL


@dataclass(frozen=True, slots=True)
class Busy:
    """Ask again after so many seconds; `error` is for when there is no more time."""

    seconds: float
    error: Rejected


class _Problem(msgspec.Struct):
    """Where servers say in words what is wrong: ours in `text`, others as RFC 9457 has it."""

    text: str = ""
    detail: str = ""
    title: str = ""


def endpoint(url: str) -> URL:
    """Return the address of an endpoint. Raises `UsageError` if it is none."""
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise UsageError(f"{url!r} is no WHIP or WHEP address: it looks like https://example.org/whip/room")
    return parsed.with_fragment(None)


def outcome(url: URL, answer: HttpAnswer) -> Accepted | Redirected | Busy:
    """Say what the answer to an offer, POSTed to `url`, comes to. Raises `Rejected` in one sentence if to nothing."""
    if answer.status == HTTPStatus.CREATED:
        return _accepted(url, answer)
    if answer.status in REDIRECTS and (place := _place(url, answer)) is not None:
        return Redirected(place)
    error = Rejected(answer.status, f"{url} does not take our offer: {reason(answer)}")
    if answer.status in BUSY:
        return Busy(_wait(answer), error)
    raise error


def may_have_token(before: URL, after: URL) -> bool:
    """Whether a token for one address may be sent to another that it names: not from encryption into the open."""
    return after.scheme == "https" or before.scheme == "http"


def reason(answer: HttpAnswer) -> str:
    """Say in words why an answer is none that we want."""
    hint = HINTS.get(HTTPStatus(answer.status)) if answer.status in set(HTTPStatus) else None
    words = [f"HTTP {answer.status}", *([hint] if hint else []), *([said] if (said := _said(answer)) else [])]
    return ", ".join(words[:2]) + (f" ({words[2]})" if len(words) > 2 else "")


def _accepted(url: URL, answer: HttpAnswer) -> Accepted:
    session = _place(url, answer)
    if session is None:
        raise Rejected(answer.status, f"{url} is no WHIP or WHEP endpoint: it does not say where the session is")
    kind = answer.header("content-type").partition(";")[0].strip().lower()
    if kind != SDP:
        raise Rejected(answer.status, f"{url} is no WHIP or WHEP endpoint: it answers with {kind or 'nothing'}")
    try:
        sdp = answer.body.decode()
    except UnicodeDecodeError:
        raise Rejected(answer.status, f"{url} answers with what is no text") from None
    tag = answer.header("etag")
    takes_more = bool(tag) or FRAGMENT in ",".join(answer.headers.get("accept-patch", ())).lower()
    return Accepted(sdp, session, ice_servers(answer.headers.get("link", ())), tag, takes_more)


def _place(url: URL, answer: HttpAnswer) -> URL | None:
    """Return the absolute address that an answer names, if it is one."""
    try:
        place = url.join(URL(answer.header("location")))
    except ValueError:
        return None
    is_one = bool(answer.header("location")) and place.scheme in ("http", "https") and bool(place.host)
    return place.with_fragment(None) if is_one else None


def _wait(answer: HttpAnswer) -> float:
    seconds = answer.header("retry-after")
    return min(float(seconds), LONGEST_WAIT) if seconds.isascii() and seconds.isdigit() else USUAL_WAIT


def _said(answer: HttpAnswer) -> str:
    """Return what the server itself says, on one line."""
    try:
        problem = msgspec.json.decode(answer.body, type=_Problem)
        text = problem.text or problem.detail or problem.title
    except msgspec.DecodeError:
        is_plain = answer.header("content-type").startswith("text/plain")
        text = answer.body.decode(errors="replace") if is_plain else ""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:MAX_TEXT]
