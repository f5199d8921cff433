"""The description of the admin API (OpenAPI 3.1), made of the operations and of what they take and answer. A core."""

import re
from collections.abc import Iterable

import msgspec

from signaling.admin.operations import Operation, status_of
from signaling.admin.wire import Problem
from signaling.messages import NAME_PATTERN, RESERVED_ROOMS
from signaling.tokens import Grant

Json = dict[str, object]

INTRODUCTION = """\
Rooms and users of an Exeunt server, from outside. What is asked takes a bearer: the server's admin key, a token with
the grant `admin` (everything, in the rooms that it is for) or one with `moderate` (what a moderator does there). A
server without any key answers programs of its own machine alone.

`told` are the users to whom something was sent, `unacknowledged` those of them who did not say in time that they had
taken it in. Whatever cannot be done is answered with a `code` for programs and a `text` for people.

A name, of a room or a user, has 1 to 64 of `A-Z a-z 0-9 . _ @ + -`, a letter or digit first."""

EVENTS = """\
Server-sent events: first `rooms` (as this API lists them), then `room` whenever one is new or different, and `gone`
with the name of one that is there no more. Comments in between are signs of life. Who does not read is cut off."""

_REFUSALS = {
    400: "Something in the body is missing or wrong: the text names the field.",
    401: "There is no bearer, or not one that this server knows, or it has expired.",
    403: "The bearer does not allow this, or not in this room.",
    404: "There is no such room or user.",
    408: "The body did not arrive in time.",
    409: "It contradicts what is there.",
    413: "The body, or something in it, is too large.",
    415: "The body is not called application/json.",
    503: "The server is shutting down, or too many ask for this already.",
}
_ALL_HAVE = (401, 403, 503)
_WITH_A_BODY = (400, 408, 413, 415)
_PARAMETERS = {"room": "A room's name.", "user": "A user's name."}
_TAKES = {
    Grant.ADMIN: "Takes the admin key or the grant `admin`.",
    Grant.MODERATE: "Takes the admin key or the grant `admin` or `moderate`.",
}


def document(operations: Iterable[Operation], version: str) -> bytes:
    """Return the description, as JSON. Its addresses are relative to its own."""
    operations = tuple(operations)
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    paths["/api/events"] = {"get": _events()}
    described: Json = {
        "openapi": "3.1.0",
        "info": {"title": "Exeunt", "version": version, "description": INTRODUCTION},
        "servers": [{"url": ".."}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.encode(_portable(described))


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": "\n\n".join(filter(None, [operation.description, _TAKES[operation.takes]])),
        "responses": {
            **{str(status_of(kind)): _answer(kind) for kind in operation.answers},
            **{str(status): _refusal(status) for status in _refusals(operation)},
        },
    }
    if names := re.findall(r"{(\w+)}", operation.path):
        described["parameters"] = [_parameter(name) for name in names]
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _json(operation.body)}
    return described


def _events() -> Json:
    content = {"text/event-stream": {"schema": {"type": "string"}}}
    return {
        "operationId": "watch",
        "summary": "Watch what happens in the rooms that the token is for.",
        "description": f"{EVENTS}\n\n{_TAKES[Grant.MODERATE]}",
        "responses": {
            "200": {"description": "Events, until one side ends it or the token expires.", "content": content},
            **{str(status): _refusal(status) for status in _ALL_HAVE},
        },
    }


def _refusals(operation: Operation) -> list[int]:
    return sorted({*_ALL_HAVE, *operation.refusals, *(_WITH_A_BODY if operation.body is not None else ())})


def _refusal(status: int) -> Json:
    return {"description": _REFUSALS[status], "content": _json(Problem)}


def _answer(kind: type[msgspec.Struct]) -> Json:
    return {"description": (kind.__doc__ or "").partition("\n")[0], "content": _json(kind)}


def _json(kind: type[msgspec.Struct]) -> Json:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}}


def _parameter(name: str) -> Json:
    schema: Json = {"type": "string", "pattern": NAME_PATTERN}
    if name == "room":
        schema["not"] = {"enum": sorted(RESERVED_ROOMS)}
    return {"name": name, "in": "path", "required": True, "description": _PARAMETERS[name], "schema": schema}


def _schemas(operations: Iterable[Operation]) -> dict[str, Json]:
    kinds = [kind for one in operations for kind in (*one.answers, *([one.body] if one.body is not None else []))]
    _, schemas = msgspec.json.schema_components(
        [*kinds, Problem], ref_template="#/components/schemas/{name}", schema_hook=_any
    )
    return schemas


def _any(_kind: type) -> Json:
    return {"title": "Any JSON value"}


def _portable(value: object) -> object:
    """Return the same with patterns as JavaScript reads them, where only `$` is the end."""
    if isinstance(value, dict):
        return {
            key: str(part).replace(r"\Z", "$") if key == "pattern" else _portable(part) for key, part in value.items()
        }
    return [_portable(part) for part in value] if isinstance(value, list) else value
