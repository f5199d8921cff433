"""What is wrong with a body, as a sentence that names the field in backquotes: "`user` is required". A core.

The decoder says it in Python's words, like "Expected `str`, got `int` - at `$.user`".
"""

import re

from signaling.messages import NAME_PATTERN

_WHERE = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<path>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>.*)`", re.DOTALL)
_PATTERN = re.compile(r"Expected `str` matching regex '(?P<pattern>.*)'", re.DOTALL)
_LENGTH = re.compile(r"Expected `(?P<kind>\w+)` of length (?P<how><=|>=) (?P<limit>\d+)")
_RANGE = re.compile(r"Expected `(?P<kind>\w+)` (?P<how><=|>=|<|>) (?P<limit>\S+)")
_WHOLE = re.compile(r"Expected `\w+` that's a multiple of 1(?:\.0)?")
_TYPE = re.compile(r"Expected `(?P<kinds>[^`]+)`, got `(?P<got>\w+)`")
_CHOICE = re.compile(r"Invalid enum value (?P<value>.*)", re.DOTALL)

_KINDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_ITEMS = {"str": "characters", "array": "entries", "object": "fields"}
_HOW = {"<=": "of at most", ">=": "of at least", "<": "below", ">": "above"}
_NAME = "a name: 1 to 64 of A-Z a-z 0-9 . _ @ + -, a letter or digit first"


def explain(error: str) -> str:
    """Return the decoder's complaint about a value as a sentence for whoever sent it."""
    parts = _WHERE.fullmatch(error)
    assert parts is not None  # every part of the pattern may be empty
    what, path = parts["what"], parts["path"] or ""
    if missing := _MISSING.fullmatch(what):
        return f"{_field(path, missing['field'])} is required"
    if unknown := _UNKNOWN.fullmatch(what):
        return f"{_field(path, unknown['field'])} is not known here"
    return f"{_field(path) if path else 'the body'} {_claim(what)}"


def not_json(error: str) -> str:
    """Return the sentence for a body that cannot be read at all."""
    return f"the body is not JSON: {error[:1].lower()}{error[1:]}"


def _field(*path: str) -> str:
    return f"`{'.'.join(part for part in path if part)}`"


def _claim(what: str) -> str:
    if pattern := _PATTERN.fullmatch(what):
        return f"must be {_NAME}" if pattern["pattern"].replace("\\\\", "\\") == NAME_PATTERN else "has the wrong form"
    if length := _LENGTH.fullmatch(what):
        kind = length["kind"]
        return f"must be {_KINDS[kind]} {_HOW[length['how']]} {length['limit']} {_ITEMS[kind]}"
    if limits := _RANGE.fullmatch(what):
        return f"must be {_KINDS[limits['kind']]} {_HOW[limits['how']]} {limits['limit'].removesuffix('.0')}"
    if _WHOLE.fullmatch(what):
        return "must be a whole number"
    if wrong := _TYPE.fullmatch(what):
        return f"must be {_either(wrong['kinds'])}, not {_KINDS.get(wrong['got'], wrong['got'])}"
    if choice := _CHOICE.fullmatch(what):
        return f"cannot be {choice['value']}"
    return f"cannot be read: {what[:1].lower()}{what[1:]}"


def _either(kinds: str) -> str:
    return " or ".join(_KINDS.get(kind, kind) for kind in kinds.split(" | "))
