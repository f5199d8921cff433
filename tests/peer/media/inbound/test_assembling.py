import pytest

from peer.media.inbound import assembling
from peer.media.inbound.assembling import Assembling, Whole
from peer.media.inbound.depacketizing import FORMATS
from peer.media.inbound.packet import RtpPart
from tests.peer.media.inbound.material import OnTheWire, frames, h264_frame, packets


def part(packet: OnTheWire, *, is_last: bool | None = None) -> RtpPart:
    return RtpPart(
        packet.number,
        packet.timestamp,
        packet.is_last if is_last is None else is_last,
        packet.payload,
        packet.sent_at,
    )


def push_all(one: Assembling, them: list[OnTheWire]) -> list[Whole]:
    return [whole for packet in them for whole in one.push(part(packet))]


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_packets_in_order_become_the_frames_that_were_cut(codec: str) -> None:
    sent = frames(codec, 5, every=10)
    whole = push_all(Assembling(FORMATS[codec]), packets(codec, sent))
    assert [one.payload for one in whole] == sent
    assert [one.is_key for one in whole] == [True, False, False, False, False]
    assert not any(one.follows_gap for one in whole)
    assert whole[1].arrived_at == pytest.approx(1 / 30)


def test_a_frame_without_a_marker_ends_where_the_next_begins() -> None:
    sent = frames("vp8", 3, every=10)
    one = Assembling(FORMATS["vp8"])
    whole = [each for packet in packets("vp8", sent) for each in one.push(part(packet, is_last=False))]
    assert [each.payload for each in whole] == sent[:2]


def test_nothing_is_handed_on_before_a_frame_that_needs_no_other() -> None:
    one = Assembling(FORMATS["vp8"])
    sent = frames("vp8", 6, every=4)
    whole = push_all(one, packets("vp8", sent[1:]))
    assert [each.payload for each in whole] == sent[4:]
    assert one.dropped == 3
    assert not one.needs_key


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_after_a_loss_no_half_frame_is_handed_on(codec: str) -> None:
    sent = frames(codec, 7, every=3)
    for hole in range(1, len(packets(codec, sent[:6]))):
        one = Assembling(FORMATS[codec])
        them = packets(codec, sent)
        before = push_all(one, them[:hole])
        one.lost()
        after = push_all(one, them[hole + 1 :])
        assert [each.payload for each in before + after] == [
            each for each in sent if each in {whole.payload for whole in before + after}
        ]
        assert after
        assert [after[0].is_key, after[0].follows_gap] == [True, True]
        assert not any(each.follows_gap for each in after[1:])


def test_padding_is_nothing() -> None:
    one = Assembling(FORMATS["vp8"])
    sent = frames("vp8", 1, every=1)
    first, *rest = packets("vp8", sent)
    one.push(part(first))
    assert one.push(RtpPart(0, first.timestamp, False, b"", 0.0)) == []
    assert [each.payload for each in push_all(one, rest)] == sent


def test_a_malformed_packet_ends_a_frame() -> None:
    one = Assembling(FORMATS["h264"])
    first, *rest = packets("h264", [h264_frame(1, is_key=True)])
    one.push(part(first))
    one.push(RtpPart(0, first.timestamp, False, b"\x78\x00\x00", 0.0))
    assert push_all(one, rest) == []
    assert one.needs_key


def test_a_frame_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembling, "LARGEST", 1000)
    one = Assembling(FORMATS["vp8"])
    (first,) = packets("vp8", [b"\x10" + bytes(50)])
    for _ in range(50):
        assert one.push(part(first, is_last=False)) == []
    assert one.push(part(first)) != []
