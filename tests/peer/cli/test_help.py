"""What `--help` and `--version` show, and what is said of a command that does not exist."""

import re
from importlib.metadata import version

import pytest

from peer.cli.app import app, run
from peer.cli.commands import assemble

GROUP = assemble(app)
COMMANDS = list(GROUP.commands)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 0
    return capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "--version") == f"exeunt {version('exeunt')}\n"


def test_what_a_newcomer_needs_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert COMMANDS[:4] == ["demo", "serve", "publish", "record"]
    assert re.findall(r"^│ ([a-z-]+) ", shown(capsys, "--help"), re.MULTILINE)[2:] == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_everything_is_explained_and_no_switch_takes_a_value(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "<bool>" not in shown(capsys, command, "--help")
    unexplained = [parameter.name for parameter in GROUP.commands[command].params if not getattr(parameter, "help", "")]
    assert unexplained == []


def test_a_command_that_does_not_exist_has_its_like_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["publis"]) == 2
    assert capsys.readouterr().err.strip() == (
        "exeunt: No such command 'publis'. Did you mean 'publish'? See `exeunt --help`"
    )
