"""What an aiortc peer at the other end of a real connection gets of us, and what its RTCP does to us."""

import asyncio
import time

import pytest
from aiortc import RTCRtpSender
from aiortc.rtp import RTCP_PSFB_APP, RTCP_PSFB_FIR, RtcpPsfbPacket, RtpPacket, pack_remb_fci, unwrap_rtx

from peer.errors import ExeuntError
from peer.media import aiortc_sender
from peer.media.audience import Listeners
from peer.media.encoding import NTP_EPOCH
from peer.media.outlet import Outlet
from tests.peer.media.calling import Them, Told, Us, connected, media, negotiate
from tests.peer.media.viewing import LIMIT

CLOSE = 0.05  # seconds that a clock may be off


async def test_picture_and_sound_arrive_with_their_header_extensions() -> None:
    async with connected() as (us, them):
        await media(us, them)
        await them.until(lambda: len(them.packets["audio"]) >= 20)
        for kind, mid in (("audio", "0"), ("video", "1")):
            outlet, packets = us.outlet(kind), them.packets[kind]
            assert {packet.ssrc for packet in packets} == {outlet.ssrc}
            assert {packet.payload_type for packet in packets} == {outlet.codec.payload_type}
            assert {packet.extensions.mid for packet in packets} == {mid}
            numbers = [packet.sequence_number for packet in packets]
            assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(len(numbers))]
        now = int((time.time() + NTP_EPOCH) * 2**18)
        ages = [(now - packet.extensions.abs_send_time) & 0xFFFFFF for packet in them.packets["video"]]
        assert all(age < LIMIT * 2**18 for age in ages)
        _, level = them.packets["audio"][-1].extensions.audio_level
        assert 10 < level < 25  # dBov below full scale; the tone has 15
        assert us.outlet().codec.name == "H264"
        frame = await asyncio.wait_for(them.receiver().track.recv(), LIMIT)
        assert (frame.width, frame.height) == (320, 180)


@pytest.mark.parametrize("name", ["VP8", "H264"])
async def test_a_viewer_gets_the_codec_that_it_takes(name: str) -> None:
    async with connected(("audio",), ("video", name, "rtx")) as (us, them):
        await media(us, them)
        assert us.outlet().codec.name == name
        assert us.outlet().codec.rtx is not None
        frame = await asyncio.wait_for(them.receiver().track.recv(), LIMIT)
        assert (frame.width, frame.height) == (320, 180)


@pytest.mark.parametrize("means", ["PLI", "FIR"])
async def test_a_request_brings_a_key_frame(means: str) -> None:
    async with connected() as (us, them):
        await media(us, them)
        outlet, receiver = us.outlet(), them.receiver()
        before = outlet.counts.key_frames_sent
        us.watchers.reported(outlet, 0.0, 0.001)
        if means == "PLI":
            await receiver._send_rtcp_pli(outlet.ssrc)
        else:
            await them.say(RtcpPsfbPacket(fmt=RTCP_PSFB_FIR, ssrc=1, media_ssrc=outlet.ssrc, fci=bytes(8)))
        await them.until(lambda: outlet.counts.pli_count + outlet.counts.fir_count > 0)
        await them.until(lambda: outlet.counts.key_frames_sent > before)
        assert (outlet.counts.pli_count, outlet.counts.fir_count) == ((1, 0) if means == "PLI" else (0, 1))


async def test_estimates_and_reports_reach_the_rate_control() -> None:
    async with connected() as (us, them):
        await media(us, them)
        outlet = us.outlet()
        for fci in (b"REMB", b"nonsense", pack_remb_fci(234_000, [1]), pack_remb_fci(345_000, [outlet.ssrc])):
            await them.say(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=outlet.ssrc, fci=fci.ljust(8, b"\0")))
        await them.until(lambda: any(round_trip is not None for _, round_trip in us.watchers.reports))
        await them.until(  # REMB rounds; the peer may have estimated something itself
            lambda: any(abs(bitrate - 345_000) < 2_000 for bitrate in us.watchers.estimates)
        )
        assert not any(abs(bitrate - 234_000) < 1_000 for bitrate in us.watchers.estimates)
        assert outlet.lost == 0
        assert 0 <= outlet.round_trip < 1


@pytest.mark.parametrize("names", [("H264", "rtx"), ("VP8", "rtx"), ("VP8",)])
async def test_what_is_lost_comes_by_a_retransmission_and_the_loss_is_reported(names: tuple[str, ...]) -> None:
    lost: set[int] = set()

    def is_lost(payload_type: int, number: int) -> bool:
        if payload_type != codec.payload_type or number % 5 or number in lost:
            return False
        lost.add(number)
        return True

    async with connected(("audio",), ("video", *names)) as (us, them):
        await media(us, them)
        outlet = us.outlet()
        codec = outlet.codec
        them.lose(is_lost)
        # without RTX, what came late counts as not lost
        await them.until(lambda: outlet.lost > 0.1 if codec.rtx else outlet.counts.retransmitted_packets_sent > 20)
        await media(us, them, len(them.packets["video"]) + 50)

        def again() -> list[RtpPacket]:
            return [one for one in them.packets["video"] if one.payload_type == codec.rtx]

        def arrived() -> set[int]:
            whole = {unwrap_rtx(one, codec.payload_type, outlet.ssrc).sequence_number for one in again()}
            return whole | {one.sequence_number for one in them.packets["video"] if one.payload_type != codec.rtx}

        missing = set(lost)
        await them.until(lambda: missing <= arrived())
        assert outlet.counts.nack_count > 0
        assert outlet.counts.retransmitted_packets_sent >= len(missing)
        assert bool(again()) == (codec.rtx is not None)


async def test_a_retransmission_by_rtx_carries_the_packet_and_its_number() -> None:
    async with connected() as (us, them):
        await media(us, them)
        outlet, video = us.outlet(), them.packets["video"]
        wanted = video[3:6]
        await them.receiver()._send_rtcp_nack(outlet.ssrc, [packet.sequence_number for packet in wanted])
        await them.until(lambda: sum(packet.payload_type == outlet.codec.rtx for packet in video) >= 3)
        again = [packet for packet in video if packet.payload_type == outlet.codec.rtx]
        assert len({packet.ssrc for packet in again} - {outlet.ssrc}) == 1
        for packet, original in zip(again, wanted, strict=True):
            assert int.from_bytes(packet.payload[:2], "big") == original.sequence_number  # OSN, RFC 4588, section 4
            whole = unwrap_rtx(packet, original.payload_type, outlet.ssrc)
            assert (whole.payload, whole.timestamp, whole.marker) == (
                original.payload,
                original.timestamp,
                original.marker,
            )
            assert packet.extensions.mid == "1"
        numbers = [packet.sequence_number for packet in again]
        assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(3)]
        assert outlet.counts.retransmitted_packets_sent == 3
        assert outlet.counts.retransmitted_bytes_sent == sum(len(packet.payload) for packet in again)


async def test_without_rtx_a_retransmission_is_the_packet_itself() -> None:
    lost: list[int] = []

    def is_lost(payload_type: int, number: int) -> bool:
        if payload_type != outlet.codec.payload_type or lost:
            return False
        lost.append(number)
        return True

    async with connected(("audio",), ("video", "VP8")) as (us, them):
        await media(us, them)
        outlet, video = us.outlet(), them.packets["video"]
        assert outlet.codec.rtx is None
        them.lose(is_lost)
        await them.until(lambda: bool(lost) and any(one.sequence_number == lost[0] for one in video))
        (again,) = [one for one in video if one.sequence_number == lost[0]]
        sent, index = outlet.find(lost[0]) or pytest.fail("it is forgotten")
        assert again.payload == sent.burst.payloads[index]
        assert (again.timestamp, again.ssrc) == (sent.timestamp, outlet.ssrc)
        assert again.payload_type == outlet.codec.payload_type
        assert again.marker == (index == len(sent.burst.payloads) - 1)


async def test_what_was_never_sent_is_not_sent_again() -> None:
    async with connected() as (us, them):
        await media(us, them)
        outlet = us.outlet()
        far = (them.packets["video"][-1].sequence_number + 10_000) & 0xFFFF
        await them.receiver()._send_rtcp_nack(outlet.ssrc, [far])
        await them.until(lambda: outlet.counts.nack_count == 1)
        assert outlet.counts.retransmitted_packets_sent == 0


async def test_sender_reports_say_what_was_sent_and_when_by_the_capture_clock() -> None:
    async with connected() as (us, them):
        await media(us, them)  # the first report may come before the first packet, and says so
        for reports in them.reports.values():
            await them.until(lambda told=reports: bool(told) and told[-1].sender_info.packet_count > 0)
        sent = them.reports["video"][-1].sender_info
        assert 0 < sent.packet_count <= us.outlet().counts.packets_sent
        assert 0 < sent.octet_count <= us.outlet().counts.bytes_sent
        unix = sent.ntp_timestamp / 2**32 - NTP_EPOCH

        def lateness(stamp: int, arrived: float) -> float:
            """How long after the report's idea of its capture a packet has arrived."""
            ticks = (stamp - sent.rtp_timestamp + 2**31) % 2**32 - 2**31
            return arrived - (unix + ticks / 90_000)

        assert -CLOSE < min(lateness(*arrival) for arrival in them.arrivals) < CLOSE  # of the quickest
        sound = them.reports["audio"][-1].sender_info
        assert sound.packet_count > 0


async def test_who_takes_none_of_our_codecs_is_served_by_aiortc() -> None:
    async with connected(("audio", "PCMU"), ("video",)) as (us, them):
        await media(us, them)
        await them.until(lambda: len(them.packets["audio"]) >= 20)
        assert {packet.payload_type for packet in them.packets["audio"]} == {0}
        assert us.fanouts["audio"].audience.outlets == ()
        assert us.outlet("video").user == "them"
        frame = await asyncio.wait_for(them.receiver("audio").track.recv(), LIMIT)
        assert frame.sample_rate == 8000


async def test_two_viewers_are_served_by_one_encoder_and_one_may_go() -> None:
    async with connected() as (us, them):
        await media(us, them)  # so that theirs is the first outlet
        other, connection = Them(), us.connection()
        other.take("audio")
        other.take("video")
        try:
            await negotiate(connection, other)
            await asyncio.gather(media(us, them), media(us, other))
            first, second = us.watchers.outlets
            assert us.watchers.encoding_of(first) is us.watchers.encoding_of(second)
        finally:
            await asyncio.gather(connection.close(), other.pc.close())
        before = len(them.packets["video"])
        await media(us, them, before + 20)
        assert us.watchers.outlets == (first,)


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 10, 20, 40, 80, 160, 320, 640])
async def test_closing_at_any_moment_leaves_nothing(turns: int) -> None:
    us, them = Us(), Them()
    them.take("audio")
    them.take("video")
    connection = us.connection()
    pushing = asyncio.create_task(us.push())
    negotiating = asyncio.create_task(negotiate(connection, them))
    for _ in range(turns):
        await asyncio.sleep(0.001)
    closed = [connection.close(), connection.close()]
    async with asyncio.timeout(LIMIT):
        await asyncio.wait(closed)
        await asyncio.wait({negotiating})
        await them.pc.close()
    pushing.cancel()
    await asyncio.wait({pushing})
    for fanout in us.fanouts.values():
        assert fanout.audience.outlets == ()
        fanout.close()
        await fanout.wait_until_ended(LIMIT)
        assert fanout.audience.has_ended


async def test_the_other_side_that_closes_ends_what_we_send_it() -> None:
    async with connected() as (us, them):
        await media(us, them)
        await them.pc.close()
        async with asyncio.timeout(LIMIT):
            while us.watchers.outlets:  # noqa: ASYNC110 - aiortc tells nobody
                await asyncio.sleep(0.01)


def test_an_aiortc_that_we_do_not_know_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    aiortc_sender.self_test.cache_clear()
    aiortc_sender.self_test()
    aiortc_sender.self_test.cache_clear()
    monkeypatch.delattr(RTCRtpSender, "_retransmit")
    monkeypatch.setitem(aiortc_sender.NAMES, "cname", "_RTCRtpSender__other_name")
    with pytest.raises(ExeuntError, match=r"_RTCRtpSender__other_name, _retransmit: install aiortc>="):
        aiortc_sender.self_test()


class Failing(Told):
    """Has no thread left."""

    def plug(self, outlet: Outlet) -> bool:
        super().plug(outlet)
        raise RuntimeError("can't start new thread")


async def test_closing_does_not_wait_for_what_could_not_begin(caplog: pytest.LogCaptureFixture) -> None:
    us, them = Us(), Them()
    us.watchers = us.fanouts["video"].audience = Failing()
    them.take("video")
    them.take("audio")
    connection = us.connection()
    await negotiate(connection, them)
    async with asyncio.timeout(LIMIT):
        while them.pc.connectionState != "connected" or not us.fanouts["audio"].audience.outlets:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.gather(connection.close(), them.pc.close())
    assert us.watchers.outlets == ()


async def test_listeners_hear_one_encoder() -> None:
    async with connected() as (us, them):
        await them.until(lambda: len(them.packets["audio"]) >= 5)
        listeners = us.fanouts["audio"].audience
        assert isinstance(listeners, Listeners)
        assert listeners.encoding_of(us.outlet("audio")) is not None
