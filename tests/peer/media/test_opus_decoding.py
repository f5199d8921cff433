"""Opus as it is heard: whole packets as they are, lost ones made up, long gaps left alone."""

from dataclasses import replace

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from peer.media.encoded import EncodedFrame
from peer.media.opus_decoding import MOST_MADE_UP, RATE, DecodedSound, OpusDecoder
from tests.peer.recording.frames import BLOCK, sounds


def heard(packets: list[EncodedFrame]) -> list[DecodedSound]:
    decoder = OpusDecoder()
    return [sound for packet in packets for sound in decoder.decode(packet)]


def without(first: int, count: int) -> list[EncodedFrame]:
    """Return packets of a tone, of which so many are lost."""
    packets = sounds()
    return [*packets[:first], replace(packets[first + count], follows_gap=True), *packets[first + count + 1 :]]


def joined(pieces: list[DecodedSound]) -> NDArray[np.int16]:
    return np.concatenate([piece.samples for piece in pieces])


def steepest(samples: NDArray[np.int16]) -> int:
    return int(np.abs(np.diff(samples[BLOCK:, 0].astype(int))).max())


def test_what_comes_whole_is_decoded_as_it_is() -> None:
    pieces = heard(sounds())
    assert [piece.timestamp for piece in pieces] == [packet.timestamp for packet in sounds()]
    assert {piece.samples.shape for piece in pieces} == {(BLOCK, 2)}
    assert not any(piece.is_made_up for piece in pieces)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_lost_packets_are_made_up_in_their_place_and_nothing_clicks(count: int) -> None:
    whole, pieces = heard(sounds()), heard(without(20, count))
    assert [piece.timestamp for piece in pieces] == [piece.timestamp for piece in whole]
    assert [piece.time for piece in pieces] == pytest.approx([piece.time for piece in whole])
    assert [number for number, piece in enumerate(pieces) if piece.is_made_up] == list(range(20, 20 + count))
    assert np.abs(pieces[20].samples).max() > 4000  # it goes on with the tone
    assert steepest(joined(pieces)) < 1.5 * steepest(joined(whole))


def test_of_a_long_gap_the_beginning_is_made_up_and_fades_out() -> None:
    pieces = [piece for piece in heard(without(20, 30)) if piece.is_made_up]
    assert sum(len(piece.samples) for piece in pieces) == MOST_MADE_UP
    assert pieces[0].timestamp == sounds()[20].timestamp
    assert np.abs(pieces[-1].samples).max() < 0.6 * np.abs(pieces[0].samples).max()


@pytest.mark.parametrize(
    "after",
    [
        replace(sounds()[70], follows_gap=False),  # the sender was silent, and left it out
        replace(sounds()[70], timestamp=sounds()[70].timestamp + 2 * RATE, follows_gap=True),  # it is another story
        replace(sounds()[70], timestamp=5, follows_gap=True),  # time has gone back
    ],
)
def test_nothing_is_made_up_where_nothing_is_known_to_be_lost(after: EncodedFrame) -> None:
    assert not any(piece.is_made_up for piece in heard([*sounds()[:20], after]))


def test_a_beginning_follows_no_gap() -> None:
    assert [piece.is_made_up for piece in heard([replace(sounds()[0], follows_gap=True)])] == [False]


def test_a_piece_that_is_shorter_than_a_packet_is_made_up_as_well() -> None:
    packets = sounds()[:20]
    early = replace(packets[19], timestamp=packets[18].timestamp + BLOCK + 100, follows_gap=True)
    assert [len(piece.samples) for piece in heard([*packets[:19], early])[-2:]] == [100, BLOCK]


def test_a_broken_packet_is_refused_and_the_next_is_heard() -> None:
    decoder = OpusDecoder()
    decoder.decode(sounds()[0])
    with pytest.raises(av.FFmpegError):
        decoder.decode(replace(sounds()[1], payload=b"\xff" * 9))
    assert len(decoder.decode(sounds()[2])) == 1
