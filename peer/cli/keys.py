"""Options for the keys that tokens are signed with, and verified with."""

from pathlib import Path
from typing import Annotated

import typer

KeyFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--key-file",
        metavar="[KID=]FILE",
        help="A file with a secret, or an Ed25519 key in PEM; several are valid at once, each with an id.",
    ),
]
KeyFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A file with the secret, or the private Ed25519 key in PEM.")
]
Kid = Annotated[str | None, typer.Option(metavar="KID", help="The id by which the server knows the key.")]
Grants = Annotated[
    list[str] | None,
    typer.Option(
        "--grant",
        metavar="GRANT",
        help="What it allows: publish, subscribe, message, moderate, admin; repeatable. Without: the first three.",
    ),
]
Expires = Annotated[str, typer.Option(metavar="TIME", help="For how long: 90s, 15m, 1h, 30d; or never.")]
