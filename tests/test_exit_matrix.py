"""The exit contract: whatever the cause, at whatever moment, in whatever state the device is.

The leaver (ana) is a process of its own, with a camera of its own (tests/exits/subject.py); the server and another user
(bo) are here. Each case asserts the same five things, in `Case.assert_contract` (tests/exits/case.py).
"""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from peer import Peer, Refused
from tests.devices.v4l2 import FakeCamera
from tests.exits.case import NOBODY, Case, playing, token
from tests.exits.causes import CAUSES, Moment, done
from tests.exits.leaver import Leaver, held, is_free, leaver
from tests.peer.test_peer import assert_seconds_left

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> FakeCamera:
    return FakeCamera(tmp_path_factory.mktemp("camera"), size="320x240")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def resident(camera: FakeCamera) -> AsyncIterator[Leaver]:
    """A leaver that plays the stays that it survives, one after the other: most of a case's time is its start."""
    async with leaver(camera.environment) as subject:
        yield subject


async def alone(case: Case) -> None:
    await case.enter()
    await case.publish()


async def negotiating(case: Case) -> None:
    await alone(case)
    await case.meet()
    await case.ana.until("event", "remoteUserJoin")


async def sending(case: Case) -> None:
    await alone(case)
    await case.meet()
    await case.see()
    await case.reach()


async def muted(case: Case) -> None:
    await sending(case)
    case.ana.tell("mute")
    await case.ana.until("muted")


async def unreachable(case: Case) -> None:
    await sending(case)
    case.cable.cut()
    await case.ana.until("event", "connectionLost")


async def resuming(case: Case) -> None:
    await sending(case)
    case.cable.cut()
    await case.ana.until("event", "connectionLost")
    case.cable.mend()


async def opening(case: Case) -> None:
    case.camera.command("hang")
    await case.meet()
    await case.enter()
    case.ana.tell("publish")
    await case.ana.until("publishing")


async def exiting(case: Case) -> None:
    await sending(case)
    case.ana.tell("cause", cause="begin to leave")
    await case.ana.until("done")


MOMENTS = (alone, negotiating, sending, muted, unreachable, resuming, opening, exiting)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
@pytest.mark.parametrize("cause", CAUSES)
async def test_every_cause_at_every_moment(resident: Leaver, camera: FakeCamera, cause: str, moment: Moment) -> None:
    why = CAUSES[cause]
    async with playing(resident, camera) as case:
        await moment(case)
        await done(why.act(case))
        if moment is opening:
            camera.command("")  # the driver returns
        if moment is unreachable and not why.is_ours:
            case.cable.mend()  # or ana would never know
        own, others = why.own, why.others
        if moment is exiting:
            own, others = "left", others | {"left"}  # whoever is heard first
        if moment is alone:
            others = NOBODY
        await case.assert_contract(
            own,
            others,
            answers=moment is not unreachable or not why.is_ours,
            sure=why.is_known or moment is not exiting,
        )
        if case.bo is not None and why.is_known and moment is not exiting:
            assert case.known_by() == why.known_by


# -- states of the device --


async def live(_: Case) -> None:
    pass


async def stalled(case: Case) -> None:
    case.camera.command("stall 0")


async def unplugged(case: Case) -> None:
    case.camera.command("unplug")
    await case.ana.until("event", "deviceLost")


async def failing(case: Case) -> None:
    case.camera.command("error")
    await case.ana.until("event", "deviceLost")


async def frozen(case: Case) -> None:
    """The driver does not return, and takes no signal."""
    case.camera.command("freeze 0")
    await case.ana.until("event", "deviceLost")


DEVICES = {
    "live": (live, {}, "verified"),
    "live, in a process": (live, {"isolation": "process"}, "verified"),
    "stalled": (stalled, {}, "verified"),
    "stalled, in a process": (stalled, {"isolation": "process"}, "verified"),
    "unplugged": (unplugged, {}, "verified"),
    "failing": (failing, {}, "verified"),
    "frozen": (frozen, {}, "stuck"),
    "frozen, in a process": (frozen, {"isolation": "process"}, "verified"),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("cause", ["leave", "exception", "cancelled twice", "kick"])
async def test_every_state_of_the_device(resident: Leaver, camera: FakeCamera, cause: str, device: str) -> None:
    bring_about, capture, outcome = DEVICES[device]
    why = CAUSES[cause]
    async with playing(resident, camera) as case:
        case.capture = capture
        case.reopens = bring_about is live
        case.frees = outcome == "verified"
        await sending(case)
        await bring_about(case)
        await done(why.act(case))
        await case.assert_contract(why.own, why.others, outcome=outcome)


async def test_a_device_that_never_opens_is_named_and_holds_up_nothing(resident: Leaver, camera: FakeCamera) -> None:
    async with playing(resident, camera) as case:
        case.reopens = False
        await opening(case)
        await done(CAUSES["leave"].act(case))
        await case.assert_contract("left", frozenset({"left"}), outcome="stuck")


async def test_a_device_that_is_busy_is_not_ours_to_let_go(resident: Leaver, camera: FakeCamera) -> None:
    async with playing(resident, camera) as case:
        case.reopens = False
        await case.meet()
        await case.enter()
        with held(camera.path):
            case.ana.tell("publish")
            refused = await case.ana.until("refused")
            assert refused["error"] == "DeviceBusy"
        await done(CAUSES["leave"].act(case))
        await case.assert_contract("left", frozenset({"left"}))


# -- what programs get wrong --


@pytest.mark.parametrize("wrong", ["raises", "hangs", "leaves"])
@pytest.mark.parametrize("handler", ["handler", "exit_handler"])
@pytest.mark.parametrize("cause", ["leave", "kick"])
async def test_a_handler_that_goes_wrong(
    resident: Leaver, camera: FakeCamera, cause: str, handler: str, wrong: str
) -> None:
    why = CAUSES[cause]
    async with playing(resident, camera) as case:
        case.handlers = {handler: wrong}
        await sending(case)
        case.bo.update_extra({"mood": "good"})
        await case.ana.until("event", "remoteUserUpdate")
        if (handler, wrong) == ("handler", "leaves"):
            await case.assert_contract("left", frozenset({"left"}))
            return
        await done(why.act(case))
        await case.assert_contract(why.own, why.others)


async def test_an_encoder_that_fails(resident: Leaver, camera: FakeCamera) -> None:
    async with playing(resident, camera) as case:
        await sending(case)
        case.ana.tell("break encoder")
        await case.ana.until("broken")
        await done(CAUSES["leave"].act(case))
        await case.assert_contract("left", frozenset({"left"}))


# -- what time brings --


async def test_a_token_that_expires_inside(resident: Leaver, camera: FakeCamera) -> None:
    async with playing(resident, camera) as case:
        await sending(case)  # with a token that lasts: how long this takes is the machine's affair
        case.ana.tell("refresh", token=token("ana", expires=time.time() + 2))
        await case.ana.until("refreshed")
        await case.assert_contract("token_expired", frozenset({"token_expired"}))


async def test_a_room_that_is_too_old(resident: Leaver, camera: FakeCamera) -> None:
    async with playing(resident, camera, max_age=6.0) as case:  # a busy machine takes a second or two to send
        await sending(case)
        await case.assert_contract("dismissed", NOBODY)


async def test_whoever_is_banned_stays_out(resident: Leaver, camera: FakeCamera) -> None:
    async with playing(resident, camera) as case:
        await sending(case)
        began = time.monotonic()
        assert await case.server.kick("lobby", "ana", "enough", ban_for=60)
        await case.assert_contract("kicked", frozenset({"kicked"}))
        with pytest.raises(Refused, match="ana is kept out of lobby for") as refused:
            async with Peer(case.site.ws_url, room="lobby", user="ana", token=token("ana")):
                pass
        assert_seconds_left(refused.value, 60, began)


async def test_a_move_to_another_room_is_no_exit(resident: Leaver, camera: FakeCamera) -> None:
    async with playing(resident, camera) as case:
        await sending(case)
        assert await case.server.move("lobby", "ana", "attic")
        await case.ana.until("event", "roomChanged")
        await case.journal.until("bo", "remoteUserLeave ana moved")
        assert not is_free(camera.path)
        await done(CAUSES["leave"].act(case))
        await case.assert_contract("left", frozenset({"moved"}))


async def test_a_short_loss_of_the_network_is_no_exit(resident: Leaver, camera: FakeCamera) -> None:
    async with playing(resident, camera) as case:
        await sending(case)
        case.cable.cut()
        await case.ana.until("event", "connectionLost")
        await case.journal.until("bo", "remoteUserUnreachable ana")
        case.cable.mend()
        await case.ana.until("event", "connectionBack")
        await case.journal.until("bo", "remoteUserBack ana")
        await case.see()
        await done(CAUSES["leave"].act(case))
        await case.assert_contract("left", frozenset({"left"}))


async def test_a_network_that_stays_away_longer_than_the_grace(resident: Leaver, camera: FakeCamera) -> None:
    async with playing(resident, camera, grace=0.5) as case:
        await sending(case)
        case.cable.cut()
        await case.assert_contract("network_lost", frozenset({"network_lost"}), answers=False, hears=True)
