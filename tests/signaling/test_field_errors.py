"""What is wrong with a body is said in a sentence that names the field."""

from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given, strategies as st

from signaling.field_errors import explain, not_json
from signaling.messages import Name, Text

Small = Annotated[int, msgspec.Meta(ge=1, le=10)]


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    """Inside of another."""

    size: Small


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """All that a body can have."""

    user: str | list[Name]
    name: Name = "ana"
    text: Text | None = None
    most: Annotated[list[int], msgspec.Meta(min_length=1, max_length=2)] = []
    time: Annotated[float, msgspec.Meta(gt=0, le=60)] = 1.0
    kind: Literal["audio", "video"] = "audio"
    code: Annotated[str, msgspec.Meta(pattern="^x$")] = "x"
    is_so: bool = True
    whole: Annotated[float, msgspec.Meta(multiple_of=1)] = 1
    inner: list[Inner] = []
    extra: dict[str, object] = {}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("{}", "`user` is required"),
        ('{"user": "ana", "usr": 1}', "`usr` is not known here"),
        ("[]", "the body must be an object, not a list"),
        ('{"user": 7}', "`user` must be a string or a list, not an integer"),
        (
            '{"user": "ana", "name": "-"}',
            "`name` must be a name: 1 to 64 of A-Z a-z 0-9 . _ @ + -, a letter or digit first",
        ),
        ('{"user": ["ana", null]}', "`user[1]` must be a string, not null"),
        ('{"user": "ana", "text": 1.5}', "`text` must be a string or null, not a number"),
        ('{"user": "ana", "most": []}', "`most` must be a list of at least 1 entries"),
        ('{"user": "ana", "most": [1, 2, 3]}', "`most` must be a list of at most 2 entries"),
        ('{"user": "ana", "time": 0}', "`time` must be a number above 0"),
        ('{"user": "ana", "time": 61}', "`time` must be a number of at most 60"),
        ('{"user": "ana", "whole": 1.5}', "`whole` must be a whole number"),
        ('{"user": "ana", "kind": "smell"}', "`kind` cannot be 'smell'"),
        ('{"user": "ana", "code": "y"}', "`code` has the wrong form"),
        ('{"user": "ana", "isSo": 0}', "`isSo` is not known here"),
        ('{"user": "ana", "is_so": 0}', "`is_so` must be true or false, not an integer"),
        ('{"user": "ana", "inner": [{}]}', "`inner[0].size` is required"),
        ('{"user": "ana", "inner": [{"size": 1, "x": 2}]}', "`inner[0].x` is not known here"),
        ('{"user": "ana", "inner": [{"size": 11}]}', "`inner[0].size` must be an integer of at most 10"),
        ('{"user": "ana", "extra": {"a": 1e999}}', "`extra[...]` cannot be read: number out of range"),
        ('{"user": "ana", "text": "%s"}' % ("x" * 1001), "`text` must be a string of at most 1000 characters"),
    ],
)
def test_the_field_is_named_and_what_it_must_be(body: str, sentence: str) -> None:
    with pytest.raises(msgspec.ValidationError) as wrong:
        msgspec.json.decode(body, type=Body)
    assert explain(str(wrong.value)) == sentence


def test_what_is_no_json_is_called_so() -> None:
    with pytest.raises(msgspec.DecodeError) as wrong:
        msgspec.json.decode("{", type=Body)
    assert not_json(str(wrong.value)) == "the body is not JSON: input data was truncated"


@given(st.text())
def test_whatever_the_decoder_may_say_something_is_said(error: str) -> None:
    assert explain(error)
    assert explain(f"Expected `{error}`, got `int` - at `$.x`")
