"""All commands as they are run and shown: those that a newcomer needs come first, and a switch takes no value."""

from typing import Annotated

import typer
from typer.core import TyperGroup

FIRST = ("demo", "serve", "publish", "record")  # the others follow as they are declared


def _show_version(wanted: bool) -> None:
    if wanted:
        from signaling.installed import release

        print(f"exeunt {release()}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version and exit.")
]


def assemble(app: typer.Typer) -> TyperGroup:
    """Return what runs the commands of an application."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup), group  # there is more than one command
    others = [name for name in group.commands if name not in FIRST]
    group.commands = {name: group.commands[name] for name in (*FIRST, *others)}
    for command in (group, *group.commands.values()):
        for parameter in command.get_params(typer.Context(command)):
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""  # else the help puts a type behind it, as if it took a value
    return group
