"""Requests with a body of JSON, and answers: what the HTTP interfaces share.

Whatever cannot be done is answered with {"code", "text"}.
"""

import asyncio
from typing import TypeVar

import msgspec
from aiohttp import web

from signaling.field_errors import explain, not_json
from signaling.messages import MAX_MESSAGE, ErrorCode

MAX_BODY = MAX_MESSAGE  # bytes
BODY_TIMEOUT = 10.0  # seconds for a body to arrive
HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Body = TypeVar("Body", bound=msgspec.Struct)


async def read(request: web.Request, kind: type[Body], *, or_text: bool = False) -> Body:
    """Return the body of a request, JSON also if it calls itself `or_text`.

    Raises the HTTP error that says what is wrong with it.
    """
    # A form of another site can post text/plain without asking; for JSON its browser asks us first.
    if request.content_type not in (("application/json", "text/plain") if or_text else ("application/json",)):
        raise problem(web.HTTPUnsupportedMediaType, "unsupported_media_type", "send Content-Type: application/json")
    try:
        return msgspec.json.decode(await read_bytes(request), type=kind)
    except msgspec.ValidationError as error:
        raise problem(web.HTTPBadRequest, ErrorCode.BAD_MESSAGE, explain(str(error))) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise problem(web.HTTPBadRequest, ErrorCode.BAD_MESSAGE, not_json(str(error))) from None


async def read_bytes(request: web.Request) -> bytes:
    """Return the body of a request as it is. Raises the HTTP error of one that is too large or does not arrive."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await request.content.read(MAX_BODY + 1)
            while len(body) <= MAX_BODY and not request.content.at_eof():
                body += await request.content.read(MAX_BODY + 1)
    except TimeoutError:
        raise problem(web.HTTPRequestTimeout, "too_slow", "the body did not arrive") from None
    if len(body) > MAX_BODY:
        raise problem(TooLarge, ErrorCode.TOO_LARGE, f"a body is at most {MAX_BODY} bytes")
    return body


class TooLarge(web.HTTPClientError):
    """413, with the body that we write: aiohttp's own writes its text itself."""

    status_code = 413


def answer(content: object, status: int = 200) -> web.Response:
    """Answer with JSON."""
    return web.Response(status=status, body=msgspec.json.encode(content), headers=HEADERS)


def forbidden(text: str) -> web.HTTPException:
    """Return the refusal of what the caller may not do."""
    return problem(web.HTTPForbidden, ErrorCode.NOT_ALLOWED, text)


def problem(
    kind: type[web.HTTPException], code: str, text: str, headers: dict[str, str] | None = None
) -> web.HTTPException:
    """Return an HTTP error with a code for programs and a text for people."""
    body = msgspec.json.encode({"code": code, "text": text}).decode()
    return kind(text=body, headers={**HEADERS, **(headers or {})})
