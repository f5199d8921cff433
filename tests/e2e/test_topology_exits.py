"""The exit contract through Janus as in a mesh: the same rows, the same five assertions, the same report."""

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.devices.v4l2 import FakeCamera
from tests.e2e.rooms import TOPOLOGIES, rooms_of
from tests.exits.case import Case, playing
from tests.exits.causes import CAUSES, done
from tests.exits.leaver import Leaver, is_free, leaver

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROWS = ("leave", "exception", "kick", "dismiss", "replaced", "server shut down")


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> FakeCamera:
    return FakeCamera(tmp_path_factory.mktemp("camera"), size="320x240")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def resident(camera: FakeCamera) -> AsyncIterator[Leaver]:
    """A leaver that plays the stays that it survives, one after the other."""
    async with leaver(camera.environment) as subject:
        yield subject


@pytest_asyncio.fixture(loop_scope="module", params=TOPOLOGIES)
async def settings(request: pytest.FixtureRequest) -> AsyncIterator[dict[str, object]]:
    async with rooms_of(request.param) as settings:
        yield settings


async def sending(case: Case) -> None:
    """Ana sends her camera to bo, who sees it."""
    await case.enter()
    await case.publish()
    await case.meet()
    await case.see()


@pytest.mark.parametrize("cause", ROWS)
async def test_every_cause_ends_as_it_ends_in_a_mesh(
    resident: Leaver, camera: FakeCamera, settings: dict[str, object], cause: str
) -> None:
    why = CAUSES[cause]
    async with playing(resident, camera, **settings) as case:
        await sending(case)
        await done(why.act(case))
        await case.assert_contract(why.own, why.others, sure=why.is_known)
        report = (await resident.until("event", "exitRoom"))["event"]["report"]
        assert [(step["name"], step["ended"]) for step in report["steps"]] == [
            ("notifying", "ok"),
            ("releasing", "ok"),
            ("closing", "ok"),
        ]
        assert [(one["outcome"], one.get("text")) for one in report["devices"]] == [("verified", None)]
        if why.is_known:
            assert case.known_by() == why.known_by


async def test_a_process_that_is_killed_is_told_of_once_and_its_camera_is_free(
    camera: FakeCamera, settings: dict[str, object]
) -> None:
    async with leaver(camera.environment, keeps_errors=True) as ana, playing(ana, camera, **settings) as case:
        await sending(case)
        ana.running.send_signal(signal.SIGKILL)
        await case.journal.until_true(lambda: bool(case.leaves()))
        await ana.ended()
        assert case.leaves() == ["crashed"]
        assert is_free(camera.path)
