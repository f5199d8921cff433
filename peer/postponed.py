"""Modules that others import and few programs need: they are executed when something of them is first used.

aioice imports half of dnspython for the names of mDNS candidates: a tenth of our start-up time, and 3 MB.
"""

import importlib.util
import sys
from functools import partial
from types import ModuleType

DNS = ("dns.message", "dns.name", "dns.rdata", "dns.rdataset", "dns.zone")


def postpone(names: tuple[str, ...]) -> None:
    """Have `import` find these, each without anything in it that would take time. What is not installed is ignored."""
    for name in names:
        if name not in sys.modules:
            _postpone(name)


def _postpone(name: str) -> None:
    package, _, child = name.rpartition(".")
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # the package
        return
    if spec is None:
        return
    module = importlib.util.module_from_spec(spec)
    vars(module)["__getattr__"] = partial(_executed, module)  # PEP 562
    sys.modules[name] = module
    setattr(sys.modules[package], child, module)


def _executed(module: ModuleType, attribute: str) -> object:
    """Execute a module, as its import would have, and return what was asked for."""
    if vars(module).pop("__getattr__", None) is not None and module.__spec__ and module.__spec__.loader:
        module.__spec__.loader.exec_module(module)
    return getattr(module, attribute)
