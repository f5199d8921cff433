"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

For = Annotated[float | None, typer.Option("--for", metavar="SECONDS", min=0, help="End after so many seconds.")]
Host = Annotated[str, typer.Option(help="The address to listen at. Beyond loopback a key is needed.")]
Size = Annotated[str | None, typer.Option(metavar="WxH", help="The size of the picture, like 1280x720.")]
Fps = Annotated[int, typer.Option(min=1, max=120, help="Pictures in a second.")]
JournalFile = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="Write down what happens, as JSON lines, for `why`.")
]
Key = Annotated[
    str | None,
    typer.Option(envvar="EXEUNT_KEY", help="The secret that tokens are signed with (16 characters or more)."),
]
AdminKey = Annotated[
    str | None,
    typer.Option(envvar="EXEUNT_ADMIN_KEY", help="What opens the admin API and /admin (16 characters or more)."),
]
