"""How an encoded picture is cut into packets, put together again by the letter of the RFCs and by aiortc."""

from collections.abc import Iterable
from itertools import pairwise

import av
import numpy as np
import pytest
from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import VpxPayloadDescriptor, vp8_depayload
from hypothesis import given, settings, strategies as st

from peer.media.packetize import LARGEST_RUN, h264_payloads, is_h264_key, is_vp8_key, runs, vp8_payloads

SPS, PPS, SEI = b"\x67\x42\xe0\x1f\x8c", b"\x68\xce\x3c\x80", b"\x06\x05\x01\x01\x80"
START_CODES = (b"\x00\x00\x01", b"\x00\x00\x00\x01", b"\x00\x00\x00\x00\x01")


def annex_b(units: Iterable[bytes], start_code: bytes = START_CODES[1]) -> bytes:
    return b"".join(start_code + unit for unit in units)


def unit(kind: int, length: int, importance: int = 0x40) -> bytes:
    """A NAL unit without anything that looks like a start code."""
    return bytes([kind | importance, *(1 + at % 250 for at in range(length - 1))])


def together_again(payloads: Iterable[bytes]) -> list[bytes]:
    """The NAL units of RTP payloads, as RFC 6184 says in 5.6, 5.7.1 and 5.8."""
    units: list[bytes] = []
    fragments: list[bytes] | None = None
    for payload in payloads:
        kind = payload[0] & 0x1F
        if kind == 28:
            is_first, is_last = bool(payload[1] & 0x80), bool(payload[1] & 0x40)
            assert not (is_first and is_last)
            assert not payload[1] & 0x20, "reserved"
            assert is_first == (fragments is None)
            header = bytes([payload[0] & 0xE0 | payload[1] & 0x1F])
            fragments = [header] if fragments is None else fragments
            assert fragments[0] == header
            fragments.append(payload[2:])
            if is_last:
                units.append(b"".join(fragments))
                fragments = None
            continue
        assert fragments is None
        units += aggregated(payload) if kind == 24 else [payload]
    assert fragments is None
    return units


def aggregated(payload: bytes) -> list[bytes]:
    units, at = [], 1
    while at < len(payload):
        length = int.from_bytes(payload[at : at + 2], "big")
        units.append(payload[at + 2 : at + 2 + length])
        assert len(units[-1]) == length > 0
        at += 2 + length
    assert payload[0] & 0x60 == max(unit[0] & 0x60 for unit in units)
    assert payload[0] & 0x80 == max(unit[0] & 0x80 for unit in units)
    return units


def escaped(header: int, body: bytes) -> bytes:
    """A NAL unit around any bytes: emulation prevention, and a last byte that is not zero (H.264, 7.4.1)."""
    found = bytearray()
    for byte in body:
        if byte <= 3 and found.endswith(b"\x00\x00"):
            found.append(3)
        found.append(byte)
    return bytes([header, *found, 0x80])


kinds = st.integers(1, 23).filter(lambda kind: kind not in (9, 12))
headers = st.builds(lambda kind, flags: kind | flags << 5, kinds, st.integers(0, 7))
bodies = st.one_of(
    st.binary(max_size=60), st.binary(min_size=60, max_size=600), st.text("\x00\x01\x03").map(str.encode)
)
units = st.builds(escaped, headers, bodies)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(START_CODES), units), max_size=8), st.integers(3, 300))
def test_any_picture_is_the_same_when_it_is_put_together_again(picture: list[tuple[bytes, bytes]], limit: int) -> None:
    payloads = h264_payloads(b"".join(code + unit for code, unit in picture), limit)
    assert together_again(payloads) == [unit for _, unit in picture]
    assert all(0 < len(payload) <= limit for payload in payloads)


@given(st.binary(max_size=200), st.integers(3, 50))
def test_bytes_that_are_no_picture_harm_nobody(garbage: bytes, limit: int) -> None:
    payloads = h264_payloads(garbage, limit)
    assert all(0 < len(payload) <= limit for payload in payloads)
    assert all(unit[0] & 0x1F not in (0, 9, 12, *range(24, 32)) for unit in together_again(payloads))
    assert is_h264_key(garbage) in (True, False)


@given(st.integers(3, 20_000), st.integers(3, 1400))
def test_the_pieces_are_the_fewest_and_equal_and_only_the_last_is_shorter(length: int, limit: int) -> None:
    payloads = h264_payloads(annex_b([unit(1, length)]), limit)
    assert len(payloads) == (1 if length <= limit else -(-(length - 1) // (limit - 2)))
    sizes = [len(payload) for payload in payloads]
    assert len(set(sizes[:-1])) <= 1
    assert sizes[-1] <= sizes[0]
    assert runs(sizes, len(sizes)) == [(0, len(sizes))] or sum(sizes) > LARGEST_RUN - sizes[0]


def test_parameter_sets_share_a_packet_and_the_slice_follows_in_equal_pieces() -> None:
    slice_ = unit(5, 3002, importance=0x60)
    together, *pieces = h264_payloads(annex_b([unit(9, 2), SPS, PPS, SEI, unit(12, 40), slice_]), 1200)
    assert together == b"\x78\x00\x05" + SPS + b"\x00\x04" + PPS + b"\x00\x05" + SEI
    assert [piece[:2] for piece in pieces] == [b"\x7c\x85", b"\x7c\x05", b"\x7c\x45"]
    assert [len(piece) for piece in pieces] == [1003, 1003, 1001]


def test_units_share_a_packet_as_long_as_they_fit() -> None:
    a, b, c = unit(1, 40), unit(1, 55), unit(1, 56)
    assert [len(payload) for payload in h264_payloads(annex_b([a, b]), 100)] == [100]
    assert h264_payloads(annex_b([a, c]), 100) == [a, c]
    assert h264_payloads(annex_b([unit(1, 100)]), 100) == [unit(1, 100)]
    assert len(h264_payloads(annex_b([unit(1, 101)]), 100)) == 2


def test_a_broken_unit_makes_its_packet_count_as_broken() -> None:
    assert h264_payloads(annex_b([b"\x01\x11", b"\xe1\x22"]), 100) == [b"\xf8\x00\x02\x01\x11\x00\x02\xe1\x22"]


def test_zeros_between_units_belong_to_none() -> None:
    bitstream = b"\x00" + annex_b([SPS + b"\x00\x00", PPS]) + b"\x00\x00\x00"
    assert together_again(h264_payloads(bitstream, 100)) == [SPS, PPS]


def test_nothing_makes_no_packets() -> None:
    assert h264_payloads(b"", 100) == []
    assert h264_payloads(b"no start code", 100) == []
    assert h264_payloads(b"\x00\x00\x01\x00\x00\x01", 100) == []
    assert vp8_payloads(b"", 1, 100) == []


@pytest.mark.parametrize(
    ("bitstream", "is_key"),
    [
        (annex_b([SPS, PPS, unit(5, 10)]), True),
        (annex_b([SPS, PPS, unit(1, 10), unit(5, 10)]), False),
        (annex_b([unit(1, 10)], START_CODES[0]), False),
        (annex_b([SPS, PPS]), False),
        (annex_b([SPS]) + START_CODES[0], False),
        (b"", False),
    ],
)
def test_a_key_frame_is_known_by_its_first_slice(bitstream: bytes, is_key: bool) -> None:
    assert is_h264_key(bitstream) is is_key


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=3000), st.integers(0, 0xFFFF), st.integers(5, 1400))
def test_any_vp8_picture_is_the_same_when_it_is_put_together_again(frame: bytes, picture_id: int, limit: int) -> None:
    payloads = vp8_payloads(frame, picture_id, limit)
    assert b"".join(payload[4:] for payload in payloads) == frame
    identity = bytes([0x80, 0x80 | picture_id >> 8 & 0x7F, picture_id & 0xFF])
    assert [payload[:4] for payload in payloads] == [b"\x90" + identity, *[b"\x80" + identity] * (len(payloads) - 1)]
    sizes = [len(payload) for payload in payloads]
    assert len(sizes) == -(-len(frame) // (limit - 4))
    assert len(set(sizes[:-1])) <= 1
    assert 4 < sizes[-1] <= sizes[0] <= limit


@given(st.lists(st.one_of(st.integers(1, 4), st.integers(30_000, 66_000)), max_size=40), st.integers(1, 8))
def test_runs_are_what_one_call_can_send(sizes: list[int], most: int) -> None:
    found = runs(sizes, most)
    assert [at for begin, end in found for at in range(begin, end)] == list(range(len(sizes)))
    for begin, end in found:
        assert 1 <= end - begin <= most
        assert end - begin == 1 or sum(sizes[begin:end]) <= LARGEST_RUN
        assert len(set(sizes[begin : end - 1])) <= 1
        assert sizes[end - 1] <= sizes[begin]
    for (begin, end), _ in pairwise(found):
        is_full = end - begin == most or sizes[begin] * (end - begin + 1) > LARGEST_RUN
        assert is_full or sizes[end] > sizes[begin] or sizes[end - 1] < sizes[begin], "a run ends where it must"


@pytest.mark.parametrize(
    ("sizes", "most", "expected"),
    [
        ([], 64, []),
        ([1200], 64, [(0, 1)]),
        ([20, 1002, 1002, 1002, 998], 64, [(0, 1), (1, 5)]),
        ([1002, 1002, 998, 1002], 64, [(0, 3), (3, 4)]),
        ([9, 9, 9, 9, 9], 2, [(0, 2), (2, 4), (4, 5)]),
        ([1300] * 51, 64, [(0, 50), (50, 51)]),
        ([70_000, 1], 64, [(0, 1), (1, 2)]),
    ],
)
def test_runs_of_some_pictures(sizes: list[int], most: int, expected: list[tuple[int, int]]) -> None:
    assert runs(sizes, most) == expected


def encoded(codec: str, options: dict[str, str]) -> list[av.Packet]:
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.bit_rate = 640, 480, "yuv420p", 2_000_000
    encoder.options = options
    noise = np.random.default_rng(1)
    packets = []
    for number in range(6):
        picture = noise.integers(0, 255, (720, 640), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    return packets


@pytest.mark.parametrize("slices", ["1", "4"])
def test_aiortc_understands_what_x264_makes(slices: str) -> None:
    options = {"tune": "zerolatency", "preset": "superfast", "slices": slices, "x264-params": "aud=1"}
    packets = encoded("libx264", options)
    decoder = av.CodecContext.create("h264", "r")
    assert [is_h264_key(bytes(packet)) for packet in packets] == [bool(packet.is_keyframe) for packet in packets]
    pictures = 0
    for packet in packets:
        payloads = h264_payloads(bytes(packet), 1200)
        received = b"".join(map(h264_depayload, payloads))
        assert received == annex_b(together_again(payloads))
        pictures += len(decoder.decode(av.Packet(received)))
    assert pictures == len(packets) == 6
    assert not decoder.decode(None)


def test_aiortc_understands_what_libvpx_makes() -> None:
    packets = encoded("libvpx", {"deadline": "realtime", "lag-in-frames": "0"})
    assert [is_vp8_key(bytes(packet)) for packet in packets] == [bool(packet.is_keyframe) for packet in packets]
    for packet in packets:
        payloads = vp8_payloads(bytes(packet), 0x7FFF, 1200)
        assert b"".join(map(vp8_depayload, payloads)) == bytes(packet)
        descriptors = [VpxPayloadDescriptor.parse(payload)[0] for payload in payloads]
        assert [(one.partition_start, one.partition_id, one.picture_id) for one in descriptors] == [
            (int(at == 0), 0, 0x7FFF) for at in range(len(payloads))
        ]
    assert not is_vp8_key(b"")
