"""`exeunt token`, and the keys of `exeunt serve`: who signs and who verifies."""

import re
import sys
import time
from pathlib import Path

from peer.checks import check_names
from peer.errors import UsageError
from signaling.keys import FULL_KEY, KEY_ID_PATTERN, Key
from signaling.tokens import ALL_GRANTS, DEFAULT_GRANTS, make

MAX_KEY = 64 * 1024  # bytes of a file
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}  # seconds


def print_token(
    room: str, user: str, *, grants: list[str] | None, expires: str, key: str | None, file: Path | None, kid: str | None
) -> None:
    """Print a token on standard output and nothing else. `*` as user: anybody. Raises `UsageError`."""
    check_names(room.replace("*", "x"), "x" if user == "*" else user)
    unknown = {*grants} - ALL_GRANTS if grants else None
    if unknown:
        raise UsageError(f"there is no grant {min(unknown)!r}: there are {', '.join(sorted(ALL_GRANTS))}")
    lasts = parse_time(expires)
    signer = _signer(key, file, kid)
    if signer.is_weak:
        print(f"exeunt: a secret should have at least {FULL_KEY} bytes", file=sys.stderr)
    token = make(
        signer,
        None if room == "*" else room,
        None if user == "*" else user,
        grants=DEFAULT_GRANTS if grants is None else grants,
        expires=None if lasts is None else round(time.time() + lasts),
    )
    print(token)


def parse_time(text: str) -> float | None:
    """Return the seconds of "90s", "15m", "1h" or "30d"; None for "never". Raises `UsageError`."""
    if text == "never":
        return None
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smhd])", text)
    if match is None or float(match[1]) == 0:
        raise UsageError(f"{text!r} is no time: write it like 90s, 15m, 1h or 30d, or never")
    return float(match[1]) * UNITS[match[2]]


def keys_in(files: list[str] | None) -> tuple[Key, ...]:
    """Return the keys in files that are given as "KID=FILE" or "FILE". Raises `UsageError`."""
    return tuple(map(_parse_key_file, files or ()))


def _parse_key_file(text: str) -> Key:
    name, separator, path = text.partition("=")
    if separator and re.fullmatch(KEY_ID_PATTERN, name):
        return _read(Path(path), name)
    return _read(Path(text), None)


def _signer(key: str | None, file: Path | None, kid: str | None) -> Key:
    if key is None and file is None:
        raise UsageError("a token is signed with a key: give --key-file, or set EXEUNT_KEY")
    found = _read(file, kid) if file is not None else _checked(key or "", kid)
    try:
        assert found.signing is not None
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from None
    return found


def _read(path: Path, kid: str | None) -> Key:
    try:
        with path.open("rb") as file:
            return _checked(file.read(MAX_KEY).decode().strip(), kid, f"{path}: ")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} holds no text") from None


def _checked(text: str, kid: str | None, where: str = "") -> Key:
    try:
        return Key(text, kid)
    except ValueError as error:
        raise UsageError(f"{where}{error}") from None
