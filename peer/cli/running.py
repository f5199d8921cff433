"""Options of `exeunt serve` for whoever runs a server: TLS, TURN, webhooks, logs, restarts."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from peer.errors import UsageError
from signaling import state_file
from signaling.logs import LogFormat
from signaling.tls import Certificate

PANEL = "Running a server"
MAX_SECRETS = 64 * 1024  # bytes of a file with keys

log = logging.getLogger(__name__)


def _file(text: str) -> object:
    return typer.Option(metavar="FILE", help=text, rich_help_panel=PANEL)


TlsCert = Annotated[Path | None, _file("Serve https and wss with this certificate and its chain (PEM); SIGHUP: anew.")]
TlsKey = Annotated[Path | None, _file("Its key, if that is not in the same file.")]
State = Annotated[Path | None, _file("Hand all who are here over to the server that is started next with this file.")]
Redis = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="EXEUNT_REDIS",
        help="redis://host:port/0: be one server with all others that are given the same.",
        rich_help_panel=PANEL,
    ),
]
RedisPrefix = Annotated[
    str, typer.Option(help="Of all keys in Redis: another one, and it is another cluster.", rich_help_panel=PANEL)
]
DrainDelay = Annotated[
    float,
    typer.Option(
        min=0, metavar="SECONDS", help="Say 503 at /readyz for so long before anybody is let go.", rich_help_panel=PANEL
    ),
]
Webhook = Annotated[
    list[str] | None,
    typer.Option(metavar="URL", help="Post all events of rooms and users there; repeatable.", rich_help_panel=PANEL),
]
WebhookKeyFile = Annotated[Path | None, _file("The keys that sign them, one a line: two while they are changed.")]
TurnUrl = Annotated[
    list[str] | None,
    typer.Option(
        metavar="URL", help="turn:host:port, a server that shares our secret; repeatable.", rich_help_panel=PANEL
    ),
]
TurnSecretFile = Annotated[Path | None, _file("The secret that it shares (coturn's static-auth-secret).")]
TurnTtl = Annotated[
    float, typer.Option(min=1, metavar="SECONDS", help="For how long its credentials hold.", rich_help_panel=PANEL)
]
Insecure = Annotated[
    bool,
    typer.Option("--insecure", help="Listen beyond this machine without a key: everybody may do everything."),
]
MetricsPublic = Annotated[
    bool, typer.Option("--metrics-public", help="Let everybody read /metrics.", rich_help_panel=PANEL)
]
Log = Annotated[
    LogFormat | None,
    typer.Option("--log-format", help="Log joins, exits and worse on standard error.", rich_help_panel=PANEL),
]


def certificate(cert: Path | None, key: Path | None) -> Certificate | None:
    """Return the certificate to serve with. Raises `UsageError`."""
    if cert is None:
        if key is not None:
            raise UsageError("--tls-key takes a --tls-cert")
        return None
    try:
        return Certificate(cert, key)
    except ValueError as error:
        raise UsageError(str(error)) from None


def secrets_in(path: Path | None) -> tuple[str, ...]:
    """Return the secrets in a file, one a line. Raises `UsageError` if there is none."""
    if path is None:
        return ()
    try:
        with path.open("rb") as file:
            text = file.read(MAX_SECRETS).decode()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} holds no text") from None
    found = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not found:
        raise UsageError(f"there is nothing in {path}")
    return found


def check_state(path: Path | None) -> None:
    """Raise `UsageError` unless the state can be kept there: it would be too late at the end."""
    if path is None:
        return
    try:
        state_file.check(path)
    except OSError as error:
        raise UsageError(f"no state can be kept in {path}: {error.strerror or error}") from None


@contextmanager
def reloading(used: Certificate | None) -> Iterator[None]:
    """Inside the block, which is one of `first_signal`, SIGHUP has the certificate read again instead of ending us."""
    if used is None or not hasattr(signal, "SIGHUP"):
        yield
        return
    loop = asyncio.get_running_loop()
    former = signal.signal(signal.SIGHUP, lambda *_: loop.call_soon_threadsafe(_reload, used.reload))
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, former)


def _reload(reload: Callable[[], None]) -> None:
    try:
        reload()  # small files, once in months: not worth a thread
    except ValueError as error:
        log.error("the certificate was not changed: %s", error)  # noqa: TRY400 - a line is enough
    else:
        log.info("the certificate was read again")
