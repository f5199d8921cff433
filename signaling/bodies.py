"""Requests with a body of JSON, and answers: what the HTTP interfaces share.

Whatever cannot be done is answered with {"code", "text"}.
"""

import asyncio
from typing import TypeVar

import msgspec
from aiohttp import web

from signaling.messages import ErrorCode

MAX_BODY = 16 * 1024  # bytes
BODY_TIMEOUT = 10.0  # seconds for a body to arrive
HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Body = TypeVar("Body", bound=msgspec.Struct)


async def read(request: web.Request, kind: type[Body]) -> Body:
    """Return the body of a request. Raises the HTTP error that says what is wrong with it."""
    # A form of another site can post text/plain without asking; for JSON its browser asks us first.
    if request.content_type != "application/json":
        raise problem(web.HTTPUnsupportedMediaType, "unsupported_media_type", "send Content-Type: application/json")
    try:
        return msgspec.json.decode(await _read_bytes(request), type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise problem(web.HTTPBadRequest, ErrorCode.BAD_MESSAGE, str(error)) from None


async def _read_bytes(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await request.content.read(MAX_BODY + 1)
            while len(body) <= MAX_BODY and not request.content.at_eof():
                body += await request.content.read(MAX_BODY + 1)
    except TimeoutError:
        raise problem(web.HTTPRequestTimeout, "too_slow", "the body did not arrive") from None
    if len(body) > MAX_BODY:
        raise problem(_TooLarge, ErrorCode.TOO_LARGE, f"a body is at most {MAX_BODY} bytes")
    return body


class _TooLarge(web.HTTPClientError):
    status_code = 413  # aiohttp's own writes its text itself


def answer(content: object) -> web.Response:
    """Answer with JSON."""
    return web.Response(body=msgspec.json.encode(content), headers=HEADERS)


def forbidden(text: str) -> web.HTTPException:
    """Return the refusal of what the caller may not do."""
    return problem(web.HTTPForbidden, ErrorCode.NOT_ALLOWED, text)


def problem(
    kind: type[web.HTTPException], code: str, text: str, headers: dict[str, str] | None = None
) -> web.HTTPException:
    """Return an HTTP error with a code for programs and a text for people."""
    body = msgspec.json.encode({"code": code, "text": text}).decode()
    return kind(text=body, headers={**HEADERS, **(headers or {})})
