"""What README.md and docs/ tell is right: Python passes mypy's strict checks, options exist, links lead somewhere."""

import ast
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import peer
import signaling
from peer.cli.app import app
from peer.cli.commands import assemble

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LIMIT = 240.0  # seconds: mypy without a cache, on a busy machine
GIVEN = {  # what a piece takes for granted, in the words of its page
    "KEY": "str",
    "jpeg_bytes": "bytes",
    "key": "str",
    "pose": "bytes",
    "to_do": "asyncio.Queue[bytes]",
    "token": "str",
    "url": "str",
}


def pieces() -> Iterator[tuple[str, str]]:
    """Give each piece of Python and the name of a module for it."""
    for page in PAGES:
        text = page.read_text()
        for found in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{page.stem.lower()}_line_{line}", found[1]


def whole(piece: str) -> str:
    """Return a program with what the piece leaves out: imports, what is given, the function it is in, and bodies."""
    body = textwrap.indent(_with_bodies(piece), "    ")
    tree = ast.parse(f"async def piece():\n{body}")
    if "asyncio.run(" in piece:
        return piece
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names -= {one.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for one in node.names}
    imports = [
        f"from {package.__name__} import {name}"
        for package in (peer, signaling)
        for name in sorted(names & set(package.__all__))
    ]
    given = [f"{name}: {GIVEN[name]}" for name in sorted(names & GIVEN.keys())]
    head = ["import asyncio", "from datetime import UTC, datetime", *imports, *given]
    return "\n".join([*head, "async def piece() -> None:", body])


def _with_bodies(piece: str) -> str:
    """Return a piece in which a block that only its head is shown of has a body."""
    lines = [line for line in piece.splitlines() if line.strip()]
    done = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        done.append(line)
        depth = len(line) - len(line.lstrip())
        if line.partition(" #")[0].rstrip().endswith(":") and len(following) - len(following.lstrip()) <= depth:
            done.append(" " * (depth + 4) + "...")
    return "\n".join(done)


def test_every_piece_of_python_passes_the_checks_of_a_strict_user(tmp_path: Path) -> None:
    programs = {name: whole(piece) for name, piece in pieces()}
    assert len(programs) > 8
    for name, program in programs.items():
        (tmp_path / f"{name}.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *sorted(map(str, tmp_path.glob("*.py")))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_piece_would_be_noticed() -> None:
    program = whole("async with Peer(url, room='lobby') as me:\n")
    assert "from peer import Peer" in program
    assert "url: str" in program
    assert program.endswith("        ...")
    with pytest.raises(SyntaxError):
        whole("async with Peer(url as me:\n")


def test_every_option_of_every_command_that_is_shown_exists() -> None:
    commands = assemble(app).commands
    shown = [
        (page.name, *found.groups())
        for page in PAGES
        for found in re.finditer(r"\bexeunt ([a-z]+(?:-test)?)((?: [^\n`]*?(?:\\\n)?)*)(?=[\n`])", page.read_text())
        if found[1] in commands
    ]
    assert {command for _, command, _ in shown} > {"serve", "publish", "record", "kick"}
    for page, command, rest in shown:
        known = {spelling for one in commands[command].params for spelling in (*one.opts, *one.secondary_opts)}
        used = set(re.findall(r"(?<=\s)--[a-z-]+", rest.partition("#")[0]))
        assert used <= known | {"--help"}, f"{page}: exeunt {command} has no {', '.join(sorted(used - known))}"


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "examples" / "README.md"], ids=lambda p: p.name
)
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(page: Path) -> None:
    for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        file = page.parent / target if target else page
        assert file.exists(), f"{page.name}: {target}"
        if heading:
            titles = re.findall(r"^#+ (.*)", file.read_text(), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
