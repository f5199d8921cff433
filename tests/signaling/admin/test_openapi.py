"""The description of the admin API says what the API does: it is made of it."""

import json
import re
from typing import Any

import pytest

from signaling import SignalingServer
from signaling.admin.api import OPERATIONS
from signaling.admin.openapi import document
from signaling.admin.operations import Call, Operation, operation, status_of
from signaling.admin.wire import DismissBody, RoomCreated
from signaling.members import RoomStatus
from signaling.tokens import Admission, Grant

NOT_DESCRIBED = {("GET", "/api/openapi.json"), ("GET", "/api/docs"), ("HEAD", "/api/docs")}


def described() -> Any:
    return json.loads(document(OPERATIONS, "1.2.3"))


def test_every_route_is_described_and_every_description_has_a_route() -> None:
    routes = {
        (route.method, route.resource.canonical)
        for route in SignalingServer().app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/api/")
    }
    found = {(method.upper(), path) for path, methods in described()["paths"].items() for method in methods}
    assert found == routes - NOT_DESCRIBED


def test_every_operation_says_what_it_is_for_and_what_may_come_of_it() -> None:
    operations = [one for methods in described()["paths"].values() for one in methods.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    for one in operations:
        assert re.fullmatch(r"[a-z][a-zA-Z]+", one["operationId"])
        assert re.fullmatch(r"[A-Z].*\.", one["summary"]), one
        assert "admin key" in one["description"]
        assert {"200", "401", "403"} <= set(one["responses"])


def test_what_is_named_is_defined_and_what_is_defined_is_used() -> None:
    text = document(OPERATIONS, "1.2.3").decode()
    named = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert named == set(described()["components"]["schemas"])


def test_every_field_of_a_body_is_explained() -> None:
    schemas = described()["components"]["schemas"]
    for name in filter(lambda name: name.endswith("Body"), schemas):
        assert schemas[name]["additionalProperties"] is False
        for field, schema in schemas[name]["properties"].items():
            assert schema.get("description", "").endswith("."), (name, field)


def test_patterns_are_those_of_javascript() -> None:
    assert "\\Z" not in document(OPERATIONS, "1.2.3").decode()


def test_an_operation_is_what_its_function_says() -> None:
    async def open_the_door(call: Call, body: DismissBody) -> RoomCreated | RoomStatus:
        """Open it.

        And hold it.
        """
        raise NotImplementedError

    one = operation("POST", "/api/door", takes=Grant.ADMIN, refusals=(409,))(open_the_door)
    assert (one.name, one.summary, one.description) == ("openTheDoor", "Open it.", "And hold it.")
    assert (one.body, one.answers) == (DismissBody, (RoomCreated, RoomStatus))
    assert [status_of(kind) for kind in one.answers] == [201, 200]


@pytest.mark.parametrize(
    ("takes", "grants", "may"),
    [
        (Grant.MODERATE, {"moderate"}, True),
        (Grant.MODERATE, {"admin"}, True),
        (Grant.MODERATE, {"publish"}, False),
        (Grant.ADMIN, {"moderate"}, False),
        (Grant.ADMIN, {"admin"}, True),
    ],
)
def test_a_token_allows_what_its_grants_say(takes: Grant, grants: set[str], may: bool) -> None:
    async def nothing(call: Call) -> RoomStatus:
        """Do nothing."""
        raise NotImplementedError

    one: Operation = operation("GET", "/api/nothing", takes=takes)(nothing)
    assert one.may(Admission(None, None, grants=frozenset(grants))) is may
    assert one.body is None
