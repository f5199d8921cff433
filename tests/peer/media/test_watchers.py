"""Each viewer gets the tier that its link takes: real encoders and sockets; only the rate control's clock is ours."""

import asyncio

from peer.media.limitation import LimitedBy
from peer.media.sending import Sending
from peer.media.tiers import HALF_SHARE, Tier
from peer.media.watchers import Watchers
from tests.peer.media.test_audience import BOTH, resting
from tests.peer.media.viewing import LIMIT, VP8, Film, Viewer, encoder_threads, until, viewers

SIZE = (640, 360)
BEST = 1_000_000  # bits per second


class Hurried(Watchers):
    """Its rate control's clock runs ahead as far as a test wants."""

    ahead = 0.0  # seconds

    def _now(self) -> float:
        return super()._now() + self.ahead

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass, in steps as long as those of the timer."""
        for _ in range(round(seconds * 2)):
            self.ahead += 0.5
            self._advance()

    def lose(self, fraction: float, seconds: float, *them: Viewer) -> None:
        """Let viewers report loss for so long."""
        for _ in range(round(seconds * 2)):
            for viewer in them:
                self.reported(viewer.outlet, fraction, 0.05)
            self.pass_time(0.5)


async def watched(audience: Hurried, film: Film, *them: Viewer) -> None:
    """Begin: everybody sees the first picture."""
    audience.begin(Sending(bitrate=BEST))
    for viewer in them:
        assert audience.plug(viewer.outlet)
    audience.push(film.next())
    await asyncio.gather(*(viewer.until(lambda one=viewer: bool(one.frames)) for viewer in them))


async def until_key(audience: Hurried, film: Film, viewer: Viewer) -> None:
    """Push pictures until a viewer gets one key frame more."""
    wanted = len(viewer.key_numbers()) + 1
    async with asyncio.timeout(LIMIT):
        while len(viewer.key_numbers()) < wanted:
            audience.push(film.next())
            await asyncio.sleep(0.01)


def widths(viewer: Viewer) -> list[int]:
    """Return the widths of a viewer's pictures, one for each change."""
    shown = [picture.width for picture in viewer.pictures()]
    assert len(shown) == len(viewer.frames)
    return [width for n, width in enumerate(shown) if n == 0 or shown[n - 1] != width]


async def test_who_loses_much_gets_half_the_size_and_the_others_go_on_as_before() -> None:
    audience, film = Hurried(), Film(SIZE)
    async with resting(audience):
        with viewers(BOTH, BOTH) as (good, bad):
            await watched(audience, film, good, bad)
            audience.lose(0.3, 3, bad)
            assert (audience.tier_of(good.outlet), audience.tier_of(bad.outlet)) == (Tier.FULL, Tier.HALF)
            await until_key(audience, film, bad)
            await film.show(audience.push, bad, 5)
            await until(lambda: encoder_threads() == ["exeunt encoder H264 full", "exeunt encoder H264 half"])
            assert (widths(good), widths(bad)) == ([640], [640, 320])
            assert good.key_numbers() == [0]
            good.assert_unbroken()
            bad.assert_unbroken()
            limitation = audience.limitation(bad.outlet)
            assert limitation is not None
            assert (limitation.reason, limitation.resolution_changes) == (LimitedBy.BANDWIDTH, 1)


async def test_who_loses_still_more_gets_no_picture_and_later_one_again() -> None:
    audience, film = Hurried(), Film(SIZE)
    async with resting(audience):
        with viewers(BOTH, BOTH) as (good, bad):
            await watched(audience, film, good, bad)
            audience.lose(0.3, 6, bad)
            assert audience.tier_of(bad.outlet) is Tier.AUDIO
            assert audience.encoding_of(bad.outlet) is None
            bad.read()
            before = len(bad.packets)
            await film.show(audience.push, good, 20)
            bad.read()
            assert len(bad.packets) == before
            audience.ask_for_key_frame(bad.outlet)  # a decoder that waits asks: that changes nothing
            await film.show(audience.push, good, 5)
            assert len(good.key_numbers()) == 1
            audience.estimated(bad.outlet, 5_000_000)
            audience.lose(0.0, 60, bad)
            assert audience.tier_of(bad.outlet) > Tier.AUDIO
            await until_key(audience, film, bad)
            bad.assert_unbroken()
            good.assert_unbroken()


async def test_a_worse_link_of_somebody_in_the_tier_lowers_its_bitrate_without_a_key_frame() -> None:
    audience, film = Hurried(), Film(SIZE)
    async with resting(audience):
        with viewers(BOTH, BOTH) as (first, second):
            await watched(audience, film, first, second)
            encoding = audience.encoding_of(first.outlet)
            assert encoding is not None
            assert encoding.bitrate == BEST
            for _ in range(30):
                audience.estimated(first.outlet, 3_000_000)
                audience.estimated(second.outlet, 800_000)
                encoding.bytes_encoded += encoding.bitrate // 16  # half a second in which the picture is not easy
                audience.pass_time(0.5)
            assert encoding.bitrate < 0.9 * 800_000
            assert audience.tier_of(second.outlet) is Tier.FULL
            await film.show(audience.push, first, 5)
            assert first.key_numbers() == [0]
            assert encoding is audience.encoding_of(second.outlet)


async def test_each_tier_has_a_bitrate_of_its_own() -> None:
    audience, film = Hurried(), Film(SIZE)
    async with resting(audience):
        with viewers(BOTH, BOTH) as (good, bad):
            await watched(audience, film, good, bad)
            audience.lose(0.3, 3, bad)
            half, full = audience.encoding_of(bad.outlet), audience.encoding_of(good.outlet)
            assert half is not None
            assert full is not None
            assert half.bitrate <= HALF_SHARE * BEST
            assert full.bitrate == BEST


async def test_viewers_of_one_tier_with_two_codecs_have_two_encoders() -> None:
    audience, film = Hurried(), Film(SIZE)
    async with resting(audience):
        with viewers(BOTH, [VP8]) as (first, second):
            await watched(audience, film, first, second)
            audience.lose(0.3, 3, first, second)
            await asyncio.gather(*(one.until(lambda one=one: len(one.key_numbers()) == 2) for one in (first, second)))
            await until(lambda: encoder_threads() == ["exeunt encoder H264 half", "exeunt encoder VP8 half"])
            assert widths(first) == widths(second) == [640, 320]


async def test_another_size_of_the_source_begins_anew_in_the_full_tier() -> None:
    audience, film, large = Hurried(), Film(SIZE), Film((800, 450))
    async with resting(audience):
        with viewers(BOTH) as (viewer,):
            await watched(audience, film, viewer)
            audience.lose(0.3, 3, viewer)
            await until_key(audience, film, viewer)
            assert audience.tier_of(viewer.outlet) is Tier.HALF
            await until_key(audience, large, viewer)
            assert audience.tier_of(viewer.outlet) is Tier.FULL
            await large.show(audience.push, viewer, 3)
            assert widths(viewer) == [640, 320, 800]
            viewer.assert_unbroken()


async def test_a_viewer_that_asks_gets_a_key_frame_and_one_that_left_gets_none() -> None:
    audience, film = Hurried(), Film(SIZE)
    async with resting(audience):
        with viewers(BOTH, BOTH) as (first, second):
            await watched(audience, film, first, second)
            first.outlet.round_trip = 0.0
            audience.ask_for_key_frame(first.outlet)
            await until_key(audience, film, first)
            await second.until(lambda: len(second.key_numbers()) == 2)
            audience.unplug(second.outlet)
            await film.show(audience.push, first, 3)
            second.read()
            assert len(second.frames) < len(first.frames)


async def test_while_nothing_is_pushed_there_is_no_rate_control_and_no_timer() -> None:
    audience, film = Hurried(), Film(SIZE)
    async with resting(audience):
        with viewers(BOTH) as (viewer,):
            await watched(audience, film, viewer)
            audience.rest()
            audience.estimated(viewer.outlet, 1)
            audience.reported(viewer.outlet, 1.0, None)
            assert audience.limitation(viewer.outlet) is None
            assert audience._timer is None or audience._timer.cancelled()
            assert viewer.outlet.lost == 1.0
