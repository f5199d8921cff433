"""What is said of each stream, in the words of the W3C's statistics."""

import asyncio
from dataclasses import fields, replace

from peer.media.audience import Listeners
from peer.media.sending import Sending
from peer.media.stats import OutboundRtpStats, outbound
from tests.peer.media.encoders.material import tone
from tests.peer.media.test_audience import resting
from tests.peer.media.test_watchers import Hurried, until_key, watched
from tests.peer.media.viewing import H264, LIMIT, OPUS, VP8, Film, until, viewers

BOTH = [H264, VP8]
BEST = 1_000_000  # bits per second


async def test_each_viewer_has_an_entry_and_what_is_the_encoders_is_shared() -> None:
    audience, film = Hurried(), Film((640, 360))
    async with resting(audience):
        with viewers(BOTH, BOTH, [VP8]) as them:
            await watched(audience, film, *them)
            await film.show(audience.push, them[0], 4)
            await them[2].until(lambda: len(them[2].frames) >= 2)
            await until(lambda: them[0].outlet.counts.frames_sent == 5)  # counted after it was sent
            first, second, other = outbound([audience])
            assert [one.user for one in (first, second, other)] == ["viewer 0", "viewer 1", "viewer 2"]
            assert (first.codec, first.encoder_implementation) == ("H264", "libx264")
            assert (other.codec, other.encoder_implementation) == ("VP8", "libvpx")
            assert first.frames_encoded == second.frames_encoded == first.frames_sent == 5
            assert first.key_frames_encoded == 1
            assert first.total_encode_time > 0
            assert (first.frame_width, first.frame_height, first.target_bitrate) == (640, 360, BEST)
            assert (first.tier, first.path, first.packets_dropped) == ("full", "segments", 0)
            assert first.packets_sent == len(them[0].packets)
            assert first.bytes_sent == sum(len(packet.payload) for packet in them[0].packets)
            assert first.ssrc == them[0].packets[0].ssrc
            assert (first.quality_limitation_reason, first.quality_limitation_resolution_changes) == ("none", 0)


async def test_a_viewer_that_is_limited_says_by_what_and_for_how_long() -> None:
    audience, film = Hurried(), Film((640, 360))
    async with resting(audience):
        with viewers(BOTH) as (viewer,):
            await watched(audience, film, viewer)
            audience.lose(0.3, 3, viewer)
            await until_key(audience, film, viewer)
            audience.pass_time(1)
            (half,) = outbound([audience])
            assert (half.tier, half.frame_width, half.frame_height) == ("half", 320, 180)
            assert (half.quality_limitation_reason, half.quality_limitation_resolution_changes) == ("bandwidth", 1)
            assert half.quality_limitation_durations["bandwidth"] >= 1
            assert half.quality_limitation_durations["none"] >= 1.5
            assert (half.fraction_lost, half.round_trip_time) == (0.3, 0.05)
            audience.lose(0.3, 4, viewer)
            (none,) = outbound([audience])
            assert (none.tier, none.frame_width, none.encoder_implementation) == ("audio", 0, "")
            assert none.quality_limitation_reason == "bandwidth"


async def test_an_encoder_that_cannot_keep_up_is_said_to() -> None:
    audience, film = Hurried(), Film((640, 360))
    async with resting(audience):
        with viewers(BOTH) as (viewer,):
            await watched(audience, film, viewer)
            encoding = audience.encoding_of(viewer.outlet)
            assert encoding is not None
            with encoding._changed:
                for _ in range(10):
                    audience.push(film.next())
            audience.pass_time(0.5)
            (stats,) = outbound([audience])
            assert (stats.tier, stats.quality_limitation_reason) == ("full", "cpu")


async def test_before_anything_is_pushed_there_is_an_entry_without_an_encoder() -> None:
    audience = Hurried()
    audience.begin(Sending())
    with viewers(BOTH) as (viewer,):
        audience.plug(viewer.outlet)
        (stats,) = outbound([audience])
        assert (stats.frames_sent, stats.frames_encoded, stats.encoder_implementation) == (0, 0, "")
        assert stats.round_trip_time is None
        audience.unplug(viewer.outlet)
        assert outbound([audience]) == ()


async def test_sound_has_no_size_and_no_tier_but_the_full_one() -> None:
    listeners = Listeners()
    async with resting(listeners):
        with viewers([OPUS], kind="audio") as (viewer,):
            listeners.plug(viewer.outlet)
            async with asyncio.timeout(LIMIT):
                for block in tone(50):
                    listeners.push(block)
                    await asyncio.sleep(0.002)
                    if viewer.frames:
                        break
                await viewer.until(lambda: bool(viewer.frames))
            (stats,) = outbound([listeners])
            assert (stats.kind, stats.codec, stats.encoder_implementation) == ("audio", "OPUS", "libopus")
            assert (stats.tier, stats.frame_width, stats.target_bitrate) == ("full", 0, 0)
            assert stats.frames_encoded > 0


async def test_statistics_are_a_snapshot() -> None:
    audience, film = Hurried(), Film((640, 360))
    async with resting(audience):
        with viewers(BOTH) as (viewer,):
            await watched(audience, film, viewer)
            await until(lambda: viewer.outlet.counts.frames_sent == 1)
            (before,) = outbound([audience])
            copy = replace(before)
            await film.show(audience.push, viewer, 3)
            await until(lambda: viewer.outlet.counts.frames_sent == 4)
            assert before == copy
            (after,) = outbound([audience])
            assert after.frames_sent == before.frames_sent + 3
            assert {one.name for one in fields(OutboundRtpStats)} >= {"ssrc", "nack_count", "retransmitted_bytes_sent"}
