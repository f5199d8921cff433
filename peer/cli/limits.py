"""Options of `exeunt serve` that keep a server on the internet within bounds; 0 is no limit unless said otherwise."""

from typing import Annotated

import typer

PANEL = "Limits"


def _count(text: str, least: int = 0) -> object:
    return typer.Option(min=least, help=text, rich_help_panel=PANEL)


TrustedProxy = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CIDR",
        help="A proxy or network of them, like 10.0.0.0/8, whose X-Forwarded-For is believed; repeatable.",
        rich_help_panel=PANEL,
    ),
]
MaxConnections = Annotated[int, _count("Connections in all.")]
ConnectionsPerAddress = Annotated[int, _count("Connections from one IPv4 address, or one /64 of IPv6.")]
MaxPending = Annotated[int, _count("Connections that are no WebSockets, or not yet, in all.")]
PendingPerAddress = Annotated[int, _count("The same, from one IPv4 address, or one /64 of IPv6.")]
WrongKeys = Annotated[int, _count("Wrong keys and tokens a minute, to the admin API, from one address.")]
JoinRate = Annotated[int, _count("Joins a minute from one address.")]
MaxRooms = Annotated[int, _count("Rooms at one time.")]
MessageRate = Annotated[float, _count("Messages a second of one client in the long run; what is more is heard late.")]
MessageBurst = Annotated[int, _count("Messages at once of one client.", 1)]
OutboxMessages = Annotated[int, _count("Messages that wait for a client before it is cut off.", 1)]
OutboxBytes = Annotated[int, _count("The same, in bytes.", 1)]
HandshakeTimeout = Annotated[float, _count("Seconds for the headers of a request.")]
JoinTimeout = Annotated[float, _count("Seconds from connecting to joining.")]
