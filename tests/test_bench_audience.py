"""What `bench/audience.py` counts; and one short run of it."""

import argparse
import asyncio
import json
import os

import pytest

from bench import audience
from bench.audience import Cell
from tests.command import python

PATIENCE = 120.0  # seconds for both: 18 on a quiet machine
SMOKE = ("audience", "--audience", "2", "--seconds", "2", "--json")


def test_a_cell_is_full_if_the_worst_viewer_got_all_frames() -> None:
    assert Cell(topology="mesh", viewers=2, run=0, worst=29.9).is_full
    assert not Cell(topology="mesh", viewers=2, run=0, worst=28.0).is_full
    assert not Cell(topology="mesh", viewers=2, run=0, worst=29.9, error="it ended").is_full


def test_the_options_are_checked() -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    audience.add_options(parser)
    assert parser.parse_args(["--audience", "1,200"]).audience == (1, 200)
    for wrong in ("0", "1000"):
        with pytest.raises(argparse.ArgumentError):
            parser.parse_args(["--audience", wrong])


async def test_a_short_run_gives_figures_of_both_and_janus_is_sent_to_once() -> None:
    surroundings = {**os.environ, "EXEUNT_TEST_NETWORK": "host"}  # of the tests: we are in a namespace already
    async with python("-m", "bench", *SMOKE, environment=surroundings) as bench:
        assert bench.running.stdout is not None
        async with asyncio.timeout(PATIENCE):
            mesh, janus = [json.loads(await bench.running.stdout.readline()) for _ in range(2)]
        status, _ = await bench.end()
    assert status == 0
    assert (mesh["topology"], mesh["error"], janus["topology"], janus["error"]) == ("mesh", "", "janus", "")
    assert mesh["frames"] > 3
    assert janus["frames"] > 3
    assert mesh["uplink"] / mesh["frames"] > 1.3 * janus["uplink"] / janus["frames"]  # two times, with much to spare
    assert janus["janus"] > 0
    assert mesh["notice"] > 0
    assert janus["notice"] > 0
