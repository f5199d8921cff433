"""A network of the tests' own: a namespace with loopback and one ordinary address, and no way out.

Browsers offer no ICE candidates on a machine that has only loopback, and nothing a test does should reach another
machine. The whole test process moves into the namespace before it starts a thread; its children are born in it. Where
that is not allowed (no root, no user namespaces) the tests run in the machine's own network.
"""

import ctypes
import os
import shutil
import subprocess

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
# IPv6 gives itself addresses that are ready seconds later only. To a browser that is another network: it gives up what
# it is loading. A kernel without IPv6 does not know these commands.
WITHOUT_LATE_ADDRESSES = ("link set far0 addrgenmode none", "link set eth0 addrgenmode none")
COMMANDS = (
    "link set lo up",
    "link add eth0 type veth peer name far0",
    *WITHOUT_LATE_ADDRESSES,
    "addr add 10.77.0.1/24 dev eth0",
    "link set far0 up",
    "link set eth0 up",
    "route add default via 10.77.0.2 dev eth0",
)


def enter() -> str:
    """Move this process into a new network namespace; say in a few words which network it is in now."""
    if os.environ.get("EXEUNT_TEST_NETWORK") == "host":
        return "the machine's own, as asked"
    if not hasattr(os, "uname") or shutil.which("ip") is None:
        return "the machine's own (there is no `ip` command: install iproute2)"
    user, group = os.getuid(), os.getgid()
    flags = CLONE_NEWNET if user == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if ctypes.CDLL(None, use_errno=True).unshare(flags) != 0:
        return f"the machine's own ({os.strerror(ctypes.get_errno())})"
    if flags & CLONE_NEWUSER:
        _become_root(user, group)
    for command in COMMANDS:
        subprocess.run(["ip", *command.split()], check=command not in WITHOUT_LATE_ADDRESSES, timeout=60)
    return "a namespace of its own, 10.77.0.1"


def _become_root(user: int, group: int) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - one write, as the kernel wants it
            file.write(text)
