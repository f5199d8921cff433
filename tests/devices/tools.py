"""Programs that the stand-ins are made of, and processes that end with their test."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

END_LIMIT = 5.0  # seconds a process may take to end when told to


def need(program: str, package: str) -> str:
    """Return the path of a program. Without it the test is skipped, or fails in CI, naming the Debian package."""
    path = shutil.which(program)
    if path is not None:
        return path
    text = f"{program} is missing: install the Debian package {package}"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


@asynccontextmanager
async def process(
    *command: str, environment: Mapping[str, str] | None = None, log: Path | None = None, **options: object
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program for the length of the block."""
    with (log or Path(os.devnull)).open("ab") as errors:
        running = await asyncio.create_subprocess_exec(
            *command, env=dict(environment) if environment is not None else None, **{"stderr": errors, **options}
        )
    try:
        yield running
    finally:
        await end(running)


async def end(running: asyncio.subprocess.Process) -> None:
    """Tell a process to end, and make it if it does not."""
    if running.returncode is not None:
        return
    running.terminate()
    try:
        async with asyncio.timeout(END_LIMIT):
            await running.wait()
    except TimeoutError:
        running.kill()
        await running.wait()
