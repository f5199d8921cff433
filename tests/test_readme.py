"""The README is true: its program compiles against the library, its commands exist, its picture is there."""

import re
from pathlib import Path

import typer

import peer
from peer.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_program_uses_names_that_exist() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    compile(program, "README.md", "exec")
    (names,) = re.findall(r"from peer import (.*)", program)
    assert set(names.split(", ")) <= set(peer.__all__)
    assert len([line for line in program.splitlines() if line]) <= 15


def test_every_command_is_in_the_readme_and_every_command_of_the_readme_exists() -> None:
    commands = set(typer.main.get_command(app).commands)
    shown = set(re.findall(r"^    exeunt ([\w-]+)", README, re.MULTILINE)) | set(re.findall(r"make (demo)", README))
    assert shown == commands


def test_every_link_to_a_file_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_packages_that_ci_installs_are_named() -> None:
    script = (ROOT / ".ci/run").read_text()
    (listed,) = re.findall(r"--no-install-recommends \\\n(.*?) >/dev/null", script, re.DOTALL)
    for package in listed.replace("\\", "").split():
        assert package in README, package
