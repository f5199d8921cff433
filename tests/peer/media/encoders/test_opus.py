"""libopus, decoded again."""

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from peer.capture.convert import block_frame
from peer.capture.pattern_input import AMPLITUDE
from peer.errors import UsageError
from peer.media.encoders import OpusEncoder
from peer.media.encoders.opus import BLOCK, RATE
from tests.peer.media.encoders.material import decoded_sound, frequency_of, silence, tone

STEREO = 0x04  # the bit of a packet's first byte


def packets(encoder: OpusEncoder, frames: list[av.AudioFrame]) -> list[bytes]:
    """Encode blocks of which each has to come out."""
    encoded = [encoder.encode(frame) for frame in frames]
    assert None not in encoded
    return [one.bitstream for one in encoded if one is not None]


def speech(count: int) -> list[av.AudioFrame]:
    """Return blocks of a voice's harmonics, which swell and fade."""
    at = np.arange(count * BLOCK) / RATE
    wave = sum(np.sin(2 * np.pi * 140 * n * at) / n**1.2 for n in range(1, 20)) * (1 + np.sin(6 * np.pi * at) / 2)
    blocks = (wave * 3000).astype(np.int16).repeat(2).reshape(count, BLOCK * 2)
    return [block_frame(block.tobytes(), number * BLOCK) for number, block in enumerate(blocks)]


def coding_noise(blocks: list[av.AudioFrame], sent: list[bytes]) -> NDArray[np.float64]:
    """Return by how much (RMS) each block was changed on its way, apart from Opus's delay."""
    source = np.concatenate([block.to_ndarray()[0, ::2] for block in blocks]) / 32768
    sound, part = decoded_sound(sent), slice(10 * BLOCK, 20 * BLOCK)
    delay = max(
        range(BLOCK // 2), key=lambda delay: float(source[part] @ sound[part.start + delay : part.stop + delay])
    )
    error = sound[delay:] - source[: len(sound) - delay]
    whole = error[: len(error) // BLOCK * BLOCK].reshape(-1, BLOCK)
    return np.asarray(np.sqrt((whole**2).mean(axis=1)))


@pytest.mark.parametrize(("channels", "bitrate"), [(1, 32_000), (2, 64_000)])
def test_each_block_is_a_packet_that_sounds_as_it_went_in(channels: int, bitrate: int) -> None:
    sent = packets(OpusEncoder(channels=channels), tone(100, 1000))
    assert {bool(packet[0] & STEREO) for packet in sent} == {channels == 2}
    sound = decoded_sound(sent)[RATE // 2 :]
    assert frequency_of(sound) == pytest.approx(1000, abs=2)
    assert np.abs(sound).max() == pytest.approx(AMPLITUDE / 32767, rel=0.1)
    assert sum(map(len, sent)) * 8 / 2 < bitrate * 1.1


def test_a_bitrate_that_is_asked_for_is_kept() -> None:
    assert sum(map(len, packets(OpusEncoder(bitrate=24_000), speech(100)))) * 8 / 2 == pytest.approx(24_000, rel=0.1)


def test_mono_is_the_mean_of_both_channels() -> None:
    opposite = [block_frame(np.array([n % 200 * 50, n % 200 * -50] * BLOCK, np.int16).tobytes(), n) for n in range(20)]
    assert np.abs(decoded_sound(packets(OpusEncoder(channels=1), opposite[:10]))).max() < 0.001


def test_silence_is_left_out_after_200_ms_but_for_a_packet_each_400() -> None:
    encoder = OpusEncoder()
    packets(encoder, tone(5))
    sent = [n for n, frame in enumerate(silence(60)) if encoder.encode(frame) is not None]
    assert sent == [*range(10), 29, 49]
    assert encoder.encode(tone(1)[0]) is not None


@pytest.mark.parametrize(("value", "is_sound"), [(1, False), (-1, False), (2, True), (-32768, True)])
def test_silence_is_what_nobody_could_hear(value: int, is_sound: bool) -> None:
    encoder = OpusEncoder()
    encoded = [encoder.encode(frame) for frame in silence(12, value)]
    assert (encoded[-1] is not None) == is_sound


def test_sound_after_silence_that_was_left_out_sounds_as_it_should() -> None:
    encoder = OpusEncoder()
    sent = [encoder.encode(frame) for frame in [*silence(25), *tone(50)]]
    sound = decoded_sound(one.bitstream for one in sent if one is not None)
    assert frequency_of(sound[-RATE // 2 :]) == pytest.approx(440, abs=2)


def test_the_codec_is_opened_anew_when_the_loss_changes_its_band_and_no_glitch_is_heard() -> None:
    encoder, blocks = OpusEncoder(), speech(60)
    encoder.set_loss(0.12)
    sent = packets(encoder, blocks[:30])
    encoder.set_loss(0.3)
    assert encoder.band == 20
    noise = coding_noise(blocks, sent + packets(encoder, blocks[30:]))
    assert noise[30:35].max() < noise[10:30].max() * 1.5


def test_within_a_band_nothing_is_opened_anew() -> None:
    blocks = speech(40)
    steady, changing = OpusEncoder(), OpusEncoder()
    packets(changing, blocks[:20])
    changing.set_loss(0.03)
    assert packets(changing, blocks[20:]) == packets(steady, blocks)[20:]


def test_with_loss_a_packet_carries_what_makes_good_for_the_one_before() -> None:
    encoder = OpusEncoder()
    encoder.set_loss(0.2)
    configurations = {packet[0] >> 3 for packet in packets(encoder, speech(50))[10:]}
    assert max(configurations) < 16, "only the modes with SILK have error correction"


def test_closing_twice_is_allowed() -> None:
    encoder = OpusEncoder()
    packets(encoder, tone(2))
    encoder.close()
    encoder.close()
    assert len(packets(encoder, tone(1))) == 1


def test_what_is_no_block_of_ours_is_refused() -> None:
    with pytest.raises(UsageError, match="1 or 2 channels"):
        OpusEncoder(channels=6)
    frame = av.AudioFrame("s16", "mono", BLOCK)
    frame.sample_rate = RATE
    with pytest.raises(UsageError, match="s16 stereo"):
        OpusEncoder().encode(frame)
