"""Which release of Exeunt this is."""

import functools
from importlib.metadata import PackageNotFoundError, version


@functools.cache
def release() -> str:
    """Return the installed version, like `0.1.0`; `unknown` when run from a checkout that is not installed."""
    try:
        return version("exeunt")
    except PackageNotFoundError:
        return "unknown"
