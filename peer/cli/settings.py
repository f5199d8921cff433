"""A file of options: the same names as on the command line, as TOML. Pure."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches

from peer.cli.arguments import DEFAULT, OPTIONAL_VALUE
from peer.errors import UsageError

Value = str | int | float | bool
WITH_DEVICE = {option.removeprefix("--") for option in OPTIONAL_VALUE}  # `true` names the default device


def read_settings(text: str, options: Mapping[str, str], *, where: str) -> dict[str, Value]:
    """Return the value of each parameter that a file names; `options`: name → parameter.

    A name may be written with - or with _. Raises `UsageError` that begins with `where`.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where} is no TOML: {error}") from None
    values = {_parameter(name, options, where): _value(name, value, where) for name, value in found.items()}
    return {name: value for name, value in values.items() if value is not None}


def _parameter(name: str, options: Mapping[str, str], where: str) -> str:
    option = name.replace("_", "-")
    if option in options:
        return options[option]
    near = get_close_matches(option, options, n=1, cutoff=0.5)
    hint = f": did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(options))}"
    raise UsageError(f"{where}: there is no option {name!r}{hint}")


def _value(name: str, value: object, where: str) -> Value | None:
    if name in WITH_DEVICE and isinstance(value, bool):
        return DEFAULT if value else None
    if isinstance(value, str | int | float):
        return value
    raise UsageError(f"{where}: {name} must be a text, a number, true or false, not {type(value).__name__}")
