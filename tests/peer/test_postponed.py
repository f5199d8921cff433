"""Modules that are executed when something of them is first used. In processes of their own: imports stay."""

import subprocess
import sys

from peer.postponed import DNS

QUERY = """
from peer import Peer
from aioice import mdns
import dns.message

print(mdns.dns.message is dns.message, Peer.__name__)
query = dns.message.make_query("exeunt-test.local", mdns.dns.rdatatype.A)
print(dns.message.from_wire(query.to_wire()).question[0].name, dns.message.__spec__.name)
print(dns.zone.Zone("", relativize=False, rdclass=mdns.MDNS_RDCLASS).nodes)
"""


def run(program: str) -> list[str]:
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.stderr == ""
    return ended.stdout.split()


def test_dns_is_not_executed_by_the_import_of_a_peer() -> None:
    program = "import sys; from peer import Peer; Peer; print(*(m for m in sys.modules if m.startswith('dns.rdtypes')))"
    assert run(program) == []


def test_the_import_of_a_peer_takes_in_nothing_that_only_some_rooms_need() -> None:
    program = (
        "import sys; from peer import File, Peer, TestPattern; Peer, File, TestPattern; "
        "print(*(m for m in sys.modules if m in ('aiohttp', 'rich', 'typer', 'signaling.server')))"
    )
    assert run(program) == []


def test_what_is_postponed_is_there_when_it_is_needed() -> None:
    assert run(QUERY) == ["True", "Peer", "exeunt-test.local.", "dns.message", "{}"]


def test_a_module_that_is_loaded_already_stays_as_it_is() -> None:
    program = (
        "import dns.message as before; from peer import Peer; Peer; import dns.message; print(dns.message is before)"
    )
    assert run(program) == ["True"]


def test_a_package_that_is_not_installed_is_ignored() -> None:
    program = "from peer.postponed import postpone; postpone(('no_such.module', 'email.no_such')); print('fine')"
    assert run(program) == ["fine"]
    assert all(name.startswith("dns.") for name in DNS)
