"""Publishing to, and playing from, a server of which nothing is ours; and leaving it, in order, however that comes."""

import asyncio
import signal
from collections.abc import AsyncIterator

import numpy as np
import pytest
from yarl import URL

from peer import Outcome, Rejected, ServerUnreachable, SignalingError, TestPattern, UsageError
from peer.config import PeerConfig
from peer.events import ExitRoom
from peer.whip import WhepPlayer, WhipPublisher
from peer.whip.endpoint import MOST_NODES, Endpoint
from signaling.messages import IceServer
from signaling.reasons import Reason
from tests.command import python
from tests.peer.whip.plain_server import COLOUR, HEIGHT, WIDTH, Plain, serving

SMALL = {"width": WIDTH, "height": HEIGHT, "fps": 10}
HASTY = PeerConfig(connect_limit=1.0)


@pytest.fixture
async def plain() -> AsyncIterator[Plain]:
    async with serving() as plain:
        yield plain


async def test_a_picture_arrives_and_the_exit_is_in_order(plain: Plain) -> None:
    order: list[str] = []
    async with WhipPublisher(f"{plain.url}/whip", token="secret") as me:
        me.on_exit_room(lambda event: order.append(f"exitRoom {event.reason}"))
        publication = await me.publish(TestPattern(**SMALL))
        await plain.until(lambda: len(plain.pictures) > 5)
        assert (plain.pictures[-1].width, plain.pictures[-1].height) == (WIDTH, HEIGHT)
        assert {type(one).__name__ for one in me.stats()} == {"OutboundRtpStats", "CandidatePairStats"}
        assert me.publications == (publication,)
    report = await me.leave()
    assert plain.asked == ["OPTIONS /whip", "POST /whip", "DELETE /session/1"]
    assert set(plain.tokens) == {"Bearer secret"}
    assert order == ["exitRoom left"]
    assert (report.reason, report.notice) == (Reason.LEFT, "acknowledged")
    assert [step.ended for step in report.steps] == ["ok"] * 4
    assert [device.outcome for device in report.devices] == [Outcome.VERIFIED]


async def test_what_comes_is_read_as_numpy_until_we_leave(plain: Plain) -> None:
    async with WhepPlayer(f"{plain.url}/whep") as player:
        told: list[str] = []
        player.on_remote_user_first_frame(lambda event: told.append(f"{event.user} {event.kind}"))
        async for frame in player.video.frames(format="rgb24"):
            if np.abs(frame.array.mean((0, 1)) - COLOUR).max() < 12:  # JPEG-like loss of a codec
                player.request_exit()
    assert frame.array.shape == (HEIGHT, WIDTH, 3)
    assert told == ["whep video"]
    assert plain.asked[-1] == "DELETE /session/1"
    assert not hasattr(player, "publish")


async def test_a_session_that_the_server_ends_is_left_as_kicked(plain: Plain) -> None:
    async with WhepPlayer(f"{plain.url}/whep") as player:
        await plain.until_connected()
        await plain.hang_up()
        report = await player.wait_exited()
    assert (report.reason, report.text) == (Reason.KICKED, "the server has ended the session")


async def test_a_connection_that_is_lost_without_the_server_wanting_it_is_told_as_that(plain: Plain) -> None:
    plain.delete_status = 500
    async with WhipPublisher(f"{plain.url}/whip") as me:
        await plain.until_connected()
        await plain.lose()
        report = await me.wait_exited()
    assert report.reason is Reason.NETWORK_LOST


async def test_redirects_are_followed_with_the_token_and_relative_to_where_we_are(plain: Plain) -> None:
    async with WhipPublisher(f"{plain.url}/moved", token="secret"):
        pass
    assert plain.asked == ["OPTIONS /moved", "POST /moved", "POST /again", "POST /whip", "DELETE /session/1"]
    assert set(plain.tokens) == {"Bearer secret"}


async def test_ice_servers_are_asked_for_before_the_offer(plain: Plain) -> None:
    plain.link = '<turn:127.0.0.1:9?transport=udp>; rel="ice-server"; username="u"; credential="c"'
    asking = Endpoint(URL(f"{plain.url}/whip"), None)
    try:
        servers = await asking.ice_servers()
    finally:
        await asking.close()
    assert servers == (IceServer(urls=["turn:127.0.0.1:9?transport=udp"], username="u", credential="c"),)


@pytest.mark.parametrize(("times", "is_ended"), [(2, True), (100, None)])
async def test_a_session_that_is_said_to_be_elsewhere_is_asked_for_again(
    plain: Plain, times: int, is_ended: bool | None
) -> None:
    asking = Endpoint(URL(f"{plain.url}/whip"), None)
    try:
        asking.session = URL(f"{plain.url}/session/1")
        plain.misdirects, plain.delete_status = times, 200
        assert await asking.end() is is_ended
    finally:
        await asking.close()
    assert len(plain.asked) == (times + 1 if is_ended else MOST_NODES)


async def test_a_busy_server_is_asked_again_for_as_long_as_there_is_time(plain: Plain) -> None:
    plain.busy = 2
    async with WhipPublisher(f"{plain.url}/busy"):
        assert plain.asked.count("POST /busy") == 3
    plain.busy = 10_000_000
    with pytest.raises(Rejected, match=r"/busy does not take our offer: HTTP 503$") as caught:
        await WhipPublisher(f"{plain.url}/busy", connect_limit=3.0).__aenter__()  # it has to be asked once
    assert caught.value.status == 503


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("/forbidden", Rejected, "HTTP 403, our token does not allow this (the key is old)"),
        ("/unauthorized", Rejected, "HTTP 401, it wants a token, or another one"),
        ("/unknown", Rejected, "HTTP 404, there is nothing at this address"),
        ("/ws", Rejected, "HTTP 405, this address is no WHIP or WHEP endpoint (405: Method Not Allowed)"),
        ("/circle", Rejected, "sends us from one address to the next"),
        ("/page", Rejected, "is no WHIP or WHEP endpoint: it answers with text/html"),
        ("/homeless", Rejected, "is no WHIP or WHEP endpoint: it does not say where the session is"),
        ("/nonsense", ServerUnreachable, "cannot be used"),
        ("/silent", ServerUnreachable, "does not answer within 1 s"),
    ],
)
async def test_what_cannot_be_is_one_sentence_and_leaves_nothing(
    plain: Plain, path: str, error: type[SignalingError], words: str
) -> None:
    me = WhipPublisher(f"{plain.url}{path}", config=HASTY if path == "/silent" else PeerConfig())
    with pytest.raises(error) as caught:
        await me.__aenter__()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not me.is_inside
    assert (plain.asked[-1] == "DELETE /session/none") is (path == "/nonsense")


async def test_nobody_at_the_address_is_one_sentence(plain: Plain) -> None:
    with pytest.raises(ServerUnreachable, match=r"nobody answers at http://127\.0\.0\.1:1/whip"):
        await WhipPublisher("http://127.0.0.1:1/whip").__aenter__()


@pytest.mark.parametrize("url", ["ws://127.0.0.1/ws", "whip", "https://", "http://[::1/whip"])
def test_what_is_no_address_is_said_before_anything_is_done(url: str) -> None:
    with pytest.raises(UsageError, match="is no WHIP or WHEP address: it looks like"):
        WhipPublisher(url)


def test_a_token_that_would_end_the_header_is_refused() -> None:
    with pytest.raises(UsageError, match="a bearer token is ASCII"):
        WhipPublisher("https://example.org/whip", token="a\r\nX: y")


async def test_who_is_cancelled_while_entering_leaves_nothing(plain: Plain) -> None:
    entering = asyncio.create_task(WhipPublisher(f"{plain.url}/silent").__aenter__())
    await plain.until(lambda: "POST /silent" in plain.asked)
    entering.cancel()
    await asyncio.wait({entering})
    assert entering.cancelled()


async def test_events_begin_with_the_entry_and_end_with_the_exit(plain: Plain) -> None:
    async with WhipPublisher(f"{plain.url}/whip") as me:
        events = me.events()
        me.mute("video")
        await me.publish(TestPattern(**SMALL), kinds=["video"])
    seen = [event async for event in events]
    assert isinstance(seen[-1], ExitRoom)


async def test_an_exception_in_the_block_leaves_as_an_error(plain: Plain) -> None:
    me = WhipPublisher(f"{plain.url}/whip")
    with pytest.raises(ValueError, match="of the program"):
        async with me:
            raise ValueError("of the program")
    assert (await me.wait_exited()).reason is Reason.ERROR
    with pytest.raises(UsageError, match="enters once"):
        await me.__aenter__()


async def test_of_a_process_that_is_killed_the_guard_ends_the_session(plain: Plain) -> None:
    async with python("-m", "tests.peer.whip.mortal_publisher", f"{plain.url}/whip") as publisher:
        await plain.until(lambda: len(plain.pictures) > 2)
        publisher.signal(signal.SIGKILL)
        await plain.until(lambda: "DELETE /session/1" in plain.asked)


async def test_the_command_publishes_to_an_address_and_leaves_properly(plain: Plain) -> None:
    arguments = ("--test", "--size", "320x180", "--json")
    async with python("-m", "peer.cli", "publish", f"{plain.url}/whip", *arguments) as publisher:
        await publisher.until("sends")
        await plain.until(lambda: len(plain.pictures) > 2)
        publisher.signal(signal.SIGINT)
        line = await publisher.exited()
    assert (line["reason"], plain.asked[-1]) == ("left", "DELETE /session/1")
