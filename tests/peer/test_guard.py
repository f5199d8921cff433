"""The guard, against real deaths of real processes."""

import asyncio
import datetime
import ipaddress
import json
import os
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.command import Command, python
from tests.peer.office import Office

MORTAL = Path(__file__).with_name("mortal.py")
AT_ONCE = 10.0  # seconds, on a machine that is busy; alone it takes some 10 ms
LIMIT = 30.0  # seconds for anything that is waited for here
MEMORY = 12_000  # KiB


@pytest.fixture
async def office() -> Office:
    return Office()


@pytest.fixture
async def url(office: Office) -> AsyncIterator[str]:
    async with office.open() as url:
        yield url


@asynccontextmanager
async def mortal(url: str, *sessions: str, grace: float = LIMIT, **environment: str) -> AsyncIterator[Command]:
    pipes = {"stdin": asyncio.subprocess.PIPE}
    command = [str(MORTAL), url, str(grace), *(sessions or ["ana"])]
    async with python(*command, environment={**os.environ, **environment}, **pipes) as running:
        running.lines.append(json.loads(await running.line()))
        yield running


def guard_of(process: Command) -> int:
    return int(str(process.lines[0]["guard"]))


def die(process: Command, way: str) -> float:
    """Have it end in this way; return when that was."""
    process.running.stdin.write(f"{way}\n".encode())
    return time.monotonic()


async def is_gone(pid: int) -> bool:
    """Wait until a process that is not our child has ended."""
    try:
        async with asyncio.timeout(LIMIT):
            while "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():  # noqa: ASYNC110 - it is not our child
                await asyncio.sleep(0.01)
    except (FileNotFoundError, ProcessLookupError):
        return True
    except TimeoutError:
        return False
    return True


CRASHED = {"session": "ana", "ticket": "ticket of ana", "reason": "crashed"}


async def test_a_process_that_is_killed_is_told_of_at_once(url: str, office: Office) -> None:
    async with mortal(url) as process:
        await _is_watching(guard_of(process))
        process.signal(signal.SIGKILL)
        killed = time.monotonic()
        at, said = await office.next()
        assert said == CRASHED
        assert at - killed < AT_ONCE
        print(f"SIGKILL → the server knows: {1000 * (at - killed):.1f} ms")
        assert await office.hears_no_more()
        assert await is_gone(guard_of(process))


@pytest.mark.parametrize("way", ["segfault", "_exit", "out of memory", "end of program", "another program"])
async def test_a_process_that_ends_without_leaving_has_crashed(url: str, office: Office, way: str) -> None:
    """Even if it does so in the moment in which the guard is started."""
    async with mortal(url) as process:
        began = die(process, way)
        at, said = await office.next()
        assert said == CRASHED
        assert at - began < AT_ONCE
        print(f"{way} → the server knows: {1000 * (at - began):.1f} ms")
        assert await office.hears_no_more()
        assert await is_gone(guard_of(process))


async def test_a_process_that_releases_its_session_is_not_told_of(url: str, office: Office) -> None:
    async with mortal(url) as process:
        die(process, "release")
        assert (await process.end())[0] == 0
        assert await is_gone(guard_of(process))
        assert await office.hears_no_more()


async def test_a_process_that_is_stopped_is_not_dead(url: str, office: Office) -> None:
    async with mortal(url) as process:
        process.signal(signal.SIGSTOP)
        assert await office.hears_no_more()
        process.signal(signal.SIGCONT)
        die(process, "release")
        assert (await process.end())[0] == 0
        assert await office.hears_no_more()


async def test_every_session_of_the_process_is_told_of(url: str, office: Office) -> None:
    names = [f"user{number}" for number in range(8)]
    async with mortal(url, *names) as process:
        process.signal(signal.SIGKILL)
        said = [(await office.next())[1] for _ in names]
        assert sorted(one["session"] for one in said) == names
        assert await office.hears_no_more()


@pytest.mark.parametrize("way", ["leak", "fork"])
async def test_a_copy_of_the_line_in_another_process_hides_no_death(url: str, office: Office, way: str) -> None:
    """Nor does what a forked child does with its copy reach the guard."""
    async with mortal(url) as process:
        began = die(process, way)
        grandchild = int(str((await process.until("grandchild"))["pid"]))
        try:
            at, said = await office.next()
            assert said == CRASHED
            assert at - began < AT_ONCE
            assert Path(f"/proc/{grandchild}").exists()
        finally:
            os.kill(grandchild, signal.SIGKILL)
        assert await office.hears_no_more()


async def test_a_second_signal_is_a_wish_to_leave_that_the_guard_tells(url: str, office: Office) -> None:
    async with mortal(url) as process:
        die(process, "second signal")
        assert (await office.next())[1] == {**CRASHED, "reason": "left"}
        assert await office.hears_no_more()


async def test_signals_to_the_whole_group_do_not_end_the_guard(url: str, office: Office) -> None:
    async with mortal(url) as process:
        await _is_watching(guard_of(process))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(guard_of(process), number)
        process.signal(signal.SIGKILL)
        assert (await office.next())[1] == CRASHED


async def _is_watching(pid: int) -> None:
    """Wait until the guard ignores signals."""
    ignored = sum(1 << (number - 1) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    async with asyncio.timeout(LIMIT):
        while True:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            if int(dict(line.split(":\t") for line in lines)["SigIgn"], 16) & ignored == ignored:
                return
            await asyncio.sleep(0.005)


async def test_the_guard_is_small_and_starting_it_holds_up_nobody(url: str, office: Office) -> None:
    async with mortal(url) as process:
        await _is_watching(guard_of(process))
        status = dict(line.split(":\t") for line in Path(f"/proc/{guard_of(process)}/status").read_text().splitlines())
        memory = int(status["VmRSS"].split()[0])
        took = float(str(process.lines[0]["took"]))
        print(f"guard: {memory} KiB, started in {1000 * took:.1f} ms")
        assert memory < MEMORY
        assert took < AT_ONCE
        assert os.getsid(guard_of(process)) == guard_of(process)
        assert Path(f"/proc/{guard_of(process)}/cwd").readlink() == Path("/")
        die(process, "release")
        await process.end()


async def test_it_tries_until_the_server_can_be_reached(office: Office) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    async with mortal(f"ws://127.0.0.1:{port}/ws") as process:
        process.signal(signal.SIGKILL)
        await process.end()
        await asyncio.sleep(0)
        office.statuses = [503, 429]
        async with office.open(port=port):
            assert [(await office.next())[1] for _ in range(3)] == [CRASHED] * 3
            assert await office.hears_no_more()
        assert await is_gone(guard_of(process))


async def test_it_gives_up_when_the_grace_is_over() -> None:
    with socket.socket() as silent:  # takes connections and says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/ws"
        async with mortal(url, "ana", "bo", grace=0.5) as process:
            began = time.monotonic()
            process.signal(signal.SIGKILL)
            assert await is_gone(guard_of(process))
            assert 0.4 < time.monotonic() - began < AT_ONCE


async def test_a_server_that_knows_nothing_of_the_session_is_not_asked_again(url: str, office: Office) -> None:
    office.statuses = [404]
    async with mortal(url) as process:
        process.signal(signal.SIGKILL)
        assert (await office.next())[1] == CRASHED
        assert await office.hears_no_more()
        assert await is_gone(guard_of(process))


async def test_path_and_query_are_those_of_the_websocket(url: str, office: Office) -> None:
    async with mortal(f"{url}?key=1&of=2") as process:
        process.signal(signal.SIGKILL)
        async with asyncio.timeout(LIMIT):
            _, query, said = await office.heard.get()
        assert (query, said) == ("key=1&of=2", CRASHED)


async def test_a_server_at_an_ipv6_address_is_told(office: Office) -> None:
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("there is no IPv6")
    async with office.open("::1") as url, mortal(url) as process:
        process.signal(signal.SIGKILL)
        assert (await office.next())[1] == CRASHED


async def test_a_server_with_a_name_is_told(office: Office) -> None:
    async with office.open("localhost") as url, mortal(url) as process:
        process.signal(signal.SIGKILL)
        assert (await office.next())[1] == CRASHED


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_secure_server_is_told_if_its_certificate_is_good(
    office: Office, tmp_path: Path, trusted: bool
) -> None:
    context, certificate = certified(tmp_path)
    surroundings = {"SSL_CERT_FILE": str(certificate)} if trusted else {}
    grace = LIMIT if trusted else 1.0  # it has to try in vain to the end
    async with office.open(context=context) as url, mortal(url, grace=grace, **surroundings) as process:
        await _is_watching(guard_of(process))
        process.signal(signal.SIGKILL)
        killed = time.monotonic()
        assert await is_gone(guard_of(process))
        await asyncio.sleep(0)  # the server hears of the end of the connection, too
        if not trusted:
            assert office.heard.empty()
            return
        at, said = await office.next()
        print(f"SIGKILL → the server knows, by TLS: {1000 * (at - killed):.1f} ms")
        assert (said, at - killed < AT_ONCE) == (CRASHED, True)


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*form))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public
