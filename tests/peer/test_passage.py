"""A file that is encoded already goes to its viewers as it is: real files, real sockets, and a decoder at the end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from peer import File, Kind, Outcome, SourceEnded
from peer.capture import Capture, acquire, timecode
from peer.capture.convert import plane_array
from peer.media.keyframes import ROUND_TRIP
from peer.media.outlet import Outlet
from peer.media.passage import NO_ENCODER
from peer.media.sending import Sending
from peer.media.stats import OutboundRtpStats, outbound
from peer.media.tiers import Tier
from peer.publishing import Publishing, SourceEvent
from tests.e2e.movie import FPS, make_movie
from tests.peer.media.viewing import H264, OPUS, VP8, Viewer, encoder_threads, viewers

BOTH = (H264, VP8)
NO_B_FRAMES = {"tune": "zerolatency", "sc_threshold": "0"}
BASELINE = {"profile": "baseline", "preset": "fast"}
LONG, LONGER = 125, 175  # frames between key frames: 5 s, 7 s
LIMIT = 30.0  # seconds


class Showing:
    """A publishing peer's media, and who sees it."""

    def __init__(self) -> None:
        self.events: list[SourceEvent] = []
        self.ended = asyncio.Event()
        self.publishing = Publishing(self._happened)
        self.video = self.publishing.fanouts[Kind.VIDEO]
        self.audio = self.publishing.fanouts[Kind.AUDIO]
        self.capture: Capture | None = None

    def _happened(self, event: SourceEvent) -> None:
        self.events.append(event)
        if isinstance(event, SourceEnded):
            self.ended.set()

    async def publish(self, file: File, sending: Sending | None = None) -> None:
        self.capture = await acquire(file)  # shared with what is published
        await self.publishing.publish(file, None, *([] if sending is None else [sending]))

    def stats(self, outlet: Outlet) -> OutboundRtpStats:
        every = outbound((self.video.audience, self.audio.audience))
        return next(one for one in every if one.ssrc == outlet.ssrc)

    def encoder(self, viewer: Viewer) -> str:
        return self.stats(viewer.outlet).encoder_implementation

    def decoded(self, kind: Kind = Kind.VIDEO) -> int:
        assert self.capture is not None
        return self.capture.taken[kind]

    async def until_passed(self, viewer: Viewer) -> None:
        await viewer.until(lambda: self.encoder(viewer) == NO_ENCODER and not viewer.outlet.awaits_key)

    async def until_nothing_is_decoded(self, viewer: Viewer) -> None:
        """Wait until pictures come for which nothing was decoded: what is begun when they begin to pass is ended."""
        before = None
        await viewer.next()  # and all that has come already, which says nothing of now
        async with asyncio.timeout(LIMIT):
            while before != (before := (self.decoded(), self.decoded(Kind.AUDIO))):
                await viewer.next(5)

    async def close(self) -> None:
        released = await self.publishing.close()
        assert [one.outcome for one in released] in ([], [Outcome.CLOSED], [Outcome.VERIFIED])
        if self.capture is not None:
            await self.capture.release()


@asynccontextmanager
async def showing() -> AsyncIterator[Showing]:
    one = Showing()
    try:
        yield one
    finally:
        await one.close()


def movie(
    folder: Path, name: str, *, seconds: float = 6.0, gop: int = FPS, options: Mapping[str, str] | None = None
) -> Path:
    video = "libvpx" if name.endswith(".webm") else "libx264"
    usual = None if video == "libvpx" else NO_B_FRAMES
    return make_movie(folder / name, seconds=seconds, video=video, gop=gop, options=options or usual)


def hide_a_frame(path: Path, hidden: Path, number: int) -> Path:
    """Copy a film in VP8 whose frame of that number is only for later ones to refer to (RFC 6386, section 9.1)."""
    with av.open(str(path)) as film, av.open(str(hidden), "w") as copy:
        pictures = copy.add_stream_from_template(film.streams.video[0])
        for count, packet in enumerate(film.demux(video=0)):
            if packet.size:
                bits = bytes(packet)
                changed = av.Packet(bytes((bits[0] & ~0x10,)) + bits[1:] if count == number else bits)
                changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
                changed.is_keyframe, changed.stream = packet.is_keyframe, pictures
                copy.mux(changed)
    return hidden


def assert_film(viewer: Viewer) -> None:
    """Every picture decodes, and shows what comes next in the film: the time code goes on, but for its wraps."""
    viewer.assert_unbroken()
    decoded = viewer.pictures()
    assert len(decoded) == len(viewer.frames)
    codes = [timecode.read(plane_array(picture, 0)) for picture in decoded]
    steps = np.diff([code for code in codes if code is not None])
    assert len(steps) > len(codes) * 0.8
    assert sorted(steps)[len(steps) // 10] >= 0
    assert (steps < 1000).all()


@pytest.mark.parametrize(
    ("name", "options", "codec"),
    [
        ("film.mp4", NO_B_FRAMES, "H264"),
        ("film.mp4", BASELINE, "H264"),
        ("film.ts", NO_B_FRAMES, "H264"),
        ("film.webm", None, "VP8"),
    ],
)
async def test_pictures_and_sound_pass_and_nothing_is_decoded(
    tmp_path: Path, name: str, options: Mapping[str, str] | None, codec: str
) -> None:
    async with showing() as one:
        with viewers(BOTH, BOTH) as (ana, bo), viewers([OPUS], kind="audio") as (ear,):
            for viewer in (ana, bo):
                assert one.video.audience.plug(viewer.outlet)
            one.audio.audience.plug(ear.outlet)
            await one.publish(File(movie(tmp_path, name, options=options)))
            for viewer in (ana, bo, ear):
                await one.until_passed(viewer)
            await one.until_nothing_is_decoded(ana)
            decoded, heard = one.decoded(), one.decoded(Kind.AUDIO)
            await ana.next(2 * FPS)
            await ear.next(50)
            assert (one.decoded(), one.decoded(Kind.AUDIO)) == (decoded, heard)
            assert encoder_threads() == sorted(f"exeunt encoder {name} {NO_ENCODER}" for name in (codec, "OPUS"))
            stats = one.stats(ana.outlet)
            assert (stats.codec, stats.tier, stats.frame_width, stats.frame_height) == (codec, "full", 320, 180)
            assert stats.frames_encoded >= 2 * FPS
            assert stats.key_frames_encoded >= 2
            assert_film(ana)
            assert_film(bo)
            ear.assert_unbroken()


async def test_a_film_with_b_frames_is_encoded_anew(tmp_path: Path) -> None:
    async with showing() as one:
        with viewers(BOTH) as (ana,):
            one.video.audience.plug(ana.outlet)
            await one.publish(File(movie(tmp_path, "film.mp4", options={"bf": "2"})))
            await ana.next(FPS * 2)
            assert one.encoder(ana) == "libx264"
            assert_film(ana)


async def test_vp8_with_hidden_frames_is_encoded_anew_from_the_first_of_them_on(tmp_path: Path) -> None:
    path = hide_a_frame(movie(tmp_path, "film.webm"), tmp_path / "hidden.webm", FPS // 2)
    async with showing() as one:
        with viewers(BOTH) as (ana,):
            one.video.audience.plug(ana.outlet)
            await one.publish(File(path))
            await one.until_passed(ana)
            await ana.until(lambda: one.encoder(ana) == "libvpx")
            await ana.next(2 * FPS)
            assert one.encoder(ana) == "libvpx"
            ana.assert_unbroken()


async def test_a_new_viewer_is_served_at_once_by_the_encoder_and_the_others_notice_nothing(tmp_path: Path) -> None:
    async with showing() as one:
        with viewers(BOTH, BOTH) as (ana, bo):
            one.video.audience.plug(ana.outlet)
            await one.publish(File(movie(tmp_path, "film.mp4", gop=LONG, seconds=14)))
            await one.until_passed(ana)
            await ana.next(3 * FPS)
            keys = len(ana.key_numbers())  # who is there before the film is not always taken at its first one
            one.video.audience.plug(bo.outlet)
            await bo.next()
            assert len(ana.key_numbers()) == keys  # long before the next key frame
            assert bo.frames[0].is_key
            assert one.encoder(bo) == "libx264"
            await one.until_passed(bo)
            await ana.next(FPS // 2)
            decoded = one.decoded()
            await bo.next(FPS // 2)
            assert one.decoded() == decoded
            *_, last, now = ana.key_numbers()
            assert bo.frames[bo.key_numbers()[1]].bitstream == ana.frames[now].bitstream, "both get the film itself"
            assert (len(ana.key_numbers()), now - last) == (keys + 1, LONG)
            assert_film(ana)
            assert_film(bo)


async def test_who_has_lost_its_picture_gets_one_at_once_and_goes_over_again(tmp_path: Path) -> None:
    async with showing() as one:
        with viewers(BOTH) as (ana,):
            one.video.audience.plug(ana.outlet)
            await one.publish(File(movie(tmp_path, "film.mp4", gop=LONGER, seconds=16)))
            await one.until_passed(ana)
            await ana.next(round(4 * FPS))
            keys = len(ana.key_numbers())
            ana.outlet.round_trip = ROUND_TRIP
            one.video.audience.ask_for_key_frame(ana.outlet)
            await ana.until(lambda: len(ana.key_numbers()) == keys + 1 and one.encoder(ana) == "libx264")
            await one.until_passed(ana)
            await ana.next(FPS)
            assert len(ana.key_numbers()) == keys + 2
            assert_film(ana)


async def test_who_takes_another_codec_is_served_by_an_encoder_beside_the_passage(tmp_path: Path) -> None:
    async with showing() as one:
        with viewers(BOTH, [VP8]) as (ana, bo):
            for viewer in (ana, bo):
                one.video.audience.plug(viewer.outlet)
            await one.publish(File(movie(tmp_path, "film.mp4")))
            await one.until_passed(ana)
            await bo.next(FPS)
            assert (one.encoder(ana), one.encoder(bo)) == (NO_ENCODER, "libvpx")
            assert_film(ana)
            assert_film(bo)


@pytest.mark.parametrize(
    ("sending", "encoder"),
    [(Sending(codec="VP8"), "libvpx"), (Sending(bitrate=300_000), "libx264"), (Sending(codec="H264"), NO_ENCODER)],
)
async def test_what_was_asked_for_decides(tmp_path: Path, sending: Sending, encoder: str) -> None:
    async with showing() as one:
        with viewers(BOTH) as (ana,):
            one.video.audience.plug(ana.outlet)
            await one.publish(File(movie(tmp_path, "film.mp4")), sending)
            await ana.next(FPS * 2)
            assert one.encoder(ana) == encoder


async def test_while_muted_nothing_passes_and_then_it_does_again(tmp_path: Path) -> None:
    async with showing() as one:
        with viewers(BOTH) as (ana,), viewers([OPUS], kind="audio") as (ear,):
            one.video.audience.plug(ana.outlet)
            one.audio.audience.plug(ear.outlet)
            await one.publish(File(movie(tmp_path, "film.mp4"), loop=True))
            for viewer in (ana, ear):
                await one.until_passed(viewer)
            await ana.next(FPS)
            one.video.muted = one.audio.muted = True
            assert (one.encoder(ana), one.audio.audience.encoding_of(ear.outlet)) == ("", None)
            await ana.until(lambda: one.encoder(ana) == "libx264" and not ana.outlet.awaits_key)
            await ear.next(5)
            assert one.encoder(ear) == "libopus"
            await ana.next()
            assert plane_array(ana.pictures()[-1], 0).max() < 20
            one.video.muted = one.audio.muted = False
            for viewer in (ana, ear):
                await one.until_passed(viewer)
            await ana.next(FPS)
            assert encoder_threads() == [f"exeunt encoder {name} {NO_ENCODER}" for name in ("H264", "OPUS")]
            ana.assert_unbroken()
            ear.assert_unbroken()


async def test_a_viewer_with_a_bad_link_gets_the_encoder_at_half_size_and_the_others_the_passage(
    tmp_path: Path,
) -> None:
    async with showing() as one:
        with viewers(BOTH, BOTH) as (ana, bo):
            for viewer in (ana, bo):
                one.video.audience.plug(viewer.outlet)
            await one.publish(File(movie(tmp_path, "film.mp4", seconds=12), loop=True))
            await one.until_passed(bo)
            while one.video.audience.tier_of(bo.outlet) is Tier.FULL:
                one.video.audience.reported(bo.outlet, 0.5, 0.05)
                await ana.next(5)
            # of 320 pixels half is 160, which is a tier
            await bo.until(lambda: one.encoder(bo) == "libx264" and one.stats(bo.outlet).frame_width == 160)
            assert one.encoder(ana) == NO_ENCODER
            assert_film(ana)


async def test_a_loop_goes_on_through_the_passage_and_an_end_is_the_end(tmp_path: Path) -> None:
    async with showing() as one:
        with viewers(BOTH) as (ana,), viewers([OPUS], kind="audio") as (ear,):
            one.video.audience.plug(ana.outlet)
            one.audio.audience.plug(ear.outlet)
            path = movie(tmp_path, "film.mp4", seconds=1)
            await one.publish(File(path, loop=True))
            await ana.next(3 * FPS)
            await ear.next(10)
            assert ana.key_numbers()[:3] == [0, FPS, 2 * FPS]
            ana.assert_unbroken()
            ear.assert_unbroken()
            times = np.diff([frame.timestamp for frame in ana.frames]) % 2**32
            assert abs(float(np.median(times)) - 90_000 / FPS) < 100
            assert len(ana.pictures()) == len(ana.frames)
            (supply,) = one.publishing.publications
            await one.publishing.unpublish(supply)
            await one.publishing.publish(File(path), None)
            async with asyncio.timeout(LIMIT):
                await one.ended.wait()
            assert [event.device for event in one.events] == [f"file {path}"]
            for fanout in (one.video, one.audio):
                await fanout.wait_until_ended(LIMIT)
            assert encoder_threads() == []


async def test_damage_costs_pictures_and_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = movie(tmp_path, "film.ts", seconds=3)
    content = bytearray(path.read_bytes())
    for at in range(len(content) // 3, len(content) * 2 // 3, 2000):
        content[at : at + 40] = bytes(40)
    path.write_bytes(content)
    async with showing() as one:
        with viewers(BOTH) as (ana,), caplog.at_level(logging.WARNING, "peer"):
            one.video.audience.plug(ana.outlet)
            await one.publish(File(path))
            async with asyncio.timeout(LIMIT):
                await one.ended.wait()
            assert len(ana.frames) > FPS
            assert [record for record in caplog.records if record.name.startswith("peer")] == []


async def test_a_source_in_a_process_of_its_own_is_encoded_anew(tmp_path: Path) -> None:
    async with showing() as one:
        with viewers(BOTH) as (ana,):
            one.video.audience.plug(ana.outlet)
            await one.publish(File(movie(tmp_path, "film.mp4"), isolation="process"))
            await ana.next(FPS)
            assert one.encoder(ana) == "libx264"


@pytest.mark.parametrize("milliseconds", [10, 60])
async def test_sound_is_stamped_by_the_length_of_its_packets(tmp_path: Path, milliseconds: int) -> None:
    path = make_movie(tmp_path / "film.webm", seconds=3, sound={"frame_duration": str(milliseconds)})
    async with showing() as one:
        with viewers([OPUS], kind="audio") as (ear,):
            one.audio.audience.plug(ear.outlet)
            await one.publish(File(path))
            await ear.next(20)
            steps = np.diff([frame.timestamp for frame in ear.frames]) % 2**32
            assert set(steps) == {milliseconds * 48}
