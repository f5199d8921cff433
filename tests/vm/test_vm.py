"""A real kernel's camera and microphone, in a machine of its own: `make test-vm`. One boot, one finding per test."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.vm import machine

ROOT = Path(__file__).parents[2]
LIMIT = 420.0  # seconds for all of it in the guest
CALLS = 20

Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def found() -> Found:
    machine.set_up()
    environment = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"], "HOME": "/root"}
    command = [sys.executable, "-X", "faulthandler", str(ROOT / "tests/vm/guest.py")]
    status, output, errors = machine.run(command, environment, limit=LIMIT)
    sys.stdout.write(output)
    sys.stderr.write(errors)
    assert status == 0, f"it ended with {status}: {errors[-3000:]}"
    return {line["finding"]: line for line in map(json.loads, output.splitlines())}


def well(found: Found, name: str) -> dict[str, Any]:
    """Return a finding that is no error."""
    finding = found[name]
    assert "error" not in finding, finding["trace"]
    return finding


def test_a_camera_is_ours_alone_and_free_after_its_release(found: Found) -> None:
    camera = well(found, "camera")
    assert camera["moves"]
    assert camera["meanwhile"] == "EBUSY"
    assert camera["other"].startswith("DeviceBusy")
    assert str(camera["pid"]) in camera["other"]
    assert (camera["outcome"], camera["afterwards"], camera["handles"]) == ("verified", "free", 0)


def test_frames_outlive_the_driver_that_gave_them(found: Found) -> None:
    assert len(well(found, "camera")["kept"]) >= 12


def test_a_microphone_is_heard_and_closed(found: Found) -> None:
    microphone = well(found, "microphone")
    assert microphone["state"] == "RUNNING"
    assert abs(microphone["peak"] - 440) < 30
    assert (microphone["outcome"], microphone["closed"]) == ("verified", "closed")


def test_a_camera_that_gives_nothing_more_is_let_go(found: Found) -> None:
    stalled = well(found, "stalled")
    assert stalled["quiet"]
    assert (stalled["outcome"], stalled["afterwards"]) == ("verified", "free")
    assert stalled["took"] < 1.0  # of an emulated machine; bench/exit.py has the figure


@pytest.mark.parametrize("name", ["fatal_error", "unplugged"])
def test_a_camera_that_fails_says_so_and_opens_again(found: Found, name: str) -> None:
    finding = well(found, name)
    assert "/dev/video0" in finding["text"]
    assert (finding["outcome"], finding["again"], finding["second"]) == ("verified", 2, "verified")


def test_a_camera_in_a_process_of_its_own_is_let_go_with_it(found: Found) -> None:
    isolated = well(found, "isolated")
    assert (isolated["frames"], isolated["ours"]) == (3, 0)
    assert (isolated["outcome"], isolated["gone"], isolated["afterwards"]) == ("verified", True, "free")


def test_a_call_outlives_its_camera_twenty_times_and_its_unplugging(found: Found) -> None:
    call = well(found, "call")
    assert call["outcomes"] == ["verified"] * CALLS
    assert (call["devices"], call["afterwards"]) == (["verified"], "free")
