"""Options of `exeunt serve` for those who speak something else than our own protocol."""

from pathlib import Path
from typing import Annotated

import typer

from signaling.messages import Topology as _Topology

PANEL = "Bridges"

Whip = Annotated[
    bool,
    typer.Option(
        "--whip", help="Take WHIP publishers at /whip/ROOM and WHEP players at /whep/ROOM/USER.", rich_help_panel=PANEL
    ),
]
AllowedOrigin = Annotated[
    list[str] | None,
    typer.Option(
        metavar="URL", help="Another site whose pages may talk to us, as https://example.org; repeatable.",
        rich_help_panel=PANEL,
    ),
]  # fmt: skip
RtcMultiConnection = Annotated[
    bool,
    typer.Option("--rtcmulticonnection", help="Let pages of RTCMultiConnection in.", rich_help_panel=PANEL),
]
RtcMultiConnectionFiles = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Serve what they load: socket.io.js, and all else at /rtcmulticonnection/.",
        rich_help_panel=PANEL,
    ),
]  # fmt: skip
Topology = Annotated[
    _Topology,
    typer.Option(
        help="How the media of rooms pass: from each to each, or by a Janus, if no program says otherwise.",
        rich_help_panel=PANEL,
    ),
]
Janus = Annotated[
    list[str] | None,
    typer.Option(metavar="URL", help="ws://host:8188, a Janus that carries rooms; repeatable.", rich_help_panel=PANEL),
]
JanusSecretFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="What we open VideoRooms with; the admin_key of its VideoRoom plugin, if that has one.",
        rich_help_panel=PANEL,
    ),
]  # fmt: skip
