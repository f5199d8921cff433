"""What becomes of a wish for hardware. Where there is none, only the way back to software can be proved."""

import logging
import subprocess
import sys

import pytest

from peer.errors import UsageError
from peer.media.encoders import Encoded, VideoEncoder, open_video_encoder, trial
from peer.media.encoders.choice import first_that_opens
from peer.media.encoders.hardware import MODELS, HardwareEncoder, Model
from peer.media.encoders.x264 import X264Encoder
from tests.peer.media.encoders.material import pictures

SIZE = (320, 180)
STAND_IN = Model("libx264", "H264", "yuv420p", options={"tune": "zerolatency"})  # software behind the hardware's class

BROKEN = Model("libx264", "H264", "yuv420p", options={"preset": "no such"})


def open_one(codec: str, encoder: str) -> VideoEncoder:
    return open_video_encoder(codec, size=SIZE, fps=30, bitrate=500_000, encoder=encoder)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_named_hardware_works_or_is_replaced_with_a_warning_that_says_why(
    model: Model, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    opened = open_one(model.codec, model.name)
    (picture,) = pictures(1, SIZE)
    if not opened.is_hardware:
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert f"{model.codec} is encoded by {opened.implementation}, as {model.name} " in record.message
        assert isinstance(opened.encode(picture), Encoded)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_auto_says_in_one_line_what_encodes(codec: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "peer.media.encoders"):
        opened = open_one(codec, "auto")
    (record,) = caplog.records
    assert record.message.startswith(f"{codec} is encoded by {opened.implementation}")
    if not opened.is_hardware:
        assert all(model.name in record.message for model in MODELS if model.codec == codec)


@pytest.mark.parametrize("encoder", ["h264_nvidia", "vp8_vaapi", "libvpx"])
def test_an_unknown_name_or_one_of_another_codec_is_refused_with_those_that_can_be_named(encoder: str) -> None:
    with pytest.raises(UsageError, match=r"software, auto, libx264, h264_nvenc, .*h264_v4l2m2m"):
        open_one("H264", encoder)


def test_hardware_that_stood_its_trial_is_opened() -> None:
    like, reasons = X264Encoder(size=SIZE, fps=30, bitrate=500_000), {"h264_nvenc": "is not in this build of FFmpeg"}
    opened = first_that_opens([MODELS[0], STAND_IN], reasons, like)
    assert opened is not None
    assert (opened.implementation, opened.is_hardware, opened.size) == ("libx264", True, SIZE)
    assert isinstance(opened.encode(pictures(1, SIZE)[0]), Encoded)


def test_hardware_that_stood_its_trial_and_does_not_open_after_all_adds_the_reason() -> None:
    like, reasons = X264Encoder(size=SIZE, fps=30, bitrate=500_000), {"h264_nvenc": "is not in this build of FFmpeg"}
    assert first_that_opens([MODELS[0], BROKEN], reasons, like) is None
    assert reasons["libx264"].startswith("fails (")
    assert first_that_opens([MODELS[0]], reasons, like) is None


def test_a_trial_that_works_has_nothing_to_say() -> None:
    assert trial.failure_of(STAND_IN, SIZE) == ""


def test_a_trial_that_fails_says_what_ffmpeg_says() -> None:
    failure = trial.failure_of(BROKEN, SIZE)
    assert failure.startswith("fails (")
    assert "\n" not in failure


def test_an_encoder_that_delivers_nothing_for_some_frames_does_not_work() -> None:
    assert "delivered nothing" in trial.failure_of(Model("libx264", "H264", "yuv420p"), SIZE)  # it looks far ahead


def test_a_trial_that_hangs_is_ended_and_what_it_said_before_counts() -> None:
    code = "import sys, threading; print('h264_one\\tis broken', flush=True); threading.Event().wait(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "h264_one\tis broken\n"
    assert trial.output_of(child, 0.05) == ""
    assert child.returncode is not None


def test_hardware_is_opened_anew_only_for_changes_that_are_worth_a_key_frame() -> None:
    encoder = HardwareEncoder(STAND_IN, size=SIZE, fps=30, bitrate=500_000)
    assert encoder.needs_key_to_change_rate
    found = []
    for picture, bitrate in zip(pictures(6, SIZE), (500_000, 500_000, 560_000, 440_000, 300_000, 320_000), strict=True):
        encoder.set_bitrate(bitrate)
        encoded = encoder.encode(picture)
        assert encoded is not None
        found.append(encoded.is_key)
    assert found == [True, False, False, False, True, False]
