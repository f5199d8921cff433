"""Options of `exeunt record`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Suffix(StrEnum):
    """What can be written."""

    WEBM = "webm"
    MP4 = "mp4"
    MKV = "mkv"


Out = Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to; made if it is not there.")]
User = Annotated[str, typer.Option(help="The name the others see.")]
Only = Annotated[list[str] | None, typer.Option(metavar="USER", help="Record only this user; repeatable.")]
ContainerName = Annotated[
    Suffix, typer.Option("--container", help="webm: VP8 and Opus; mp4: H.264 and Opus; mkv: all.")
]
Composite = Annotated[
    bool, typer.Option("--composite", help="One picture of everybody in a grid, and one sound, encoded anew.")
]
Each = Annotated[bool, typer.Option("--each", help="A file for each user, named after them.")]
