"""The rules of capturing, without devices: clocks, waiting, time code, names, ways to open, sentences."""

import errno

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from peer.capture import timecode, x11
from peer.capture.clock import AudioClock, Metronome, Playback, VideoClock
from peer.capture.convert import BLOCK_BYTES, Blocks
from peer.capture.devices import is_capture
from peer.capture.failures import open_failure, running_failure
from peer.capture.format import Opened
from peer.capture.handles import Holder, belonging
from peer.capture.ladder import camera_attempts, microphone_attempts, screen_attempts
from peer.capture.names import capture_devices, is_microphone, natural, parse_display, pcm_node, sound_sockets
from peer.capture.picture import Pattern
from peer.capture.source import Camera, File, Microphone, Screen
from peer.capture.waiting import EARLY, IDLE_POLL, POLL, Expectation
from peer.errors import DeviceBusy, DeviceDenied, DeviceFailed, DeviceNotFound

# -- clocks --


def test_pictures_of_one_moment_still_have_rising_stamps() -> None:
    clock = VideoClock()
    assert [clock.stamp(1.0), clock.stamp(1.0), clock.stamp(0.9)] == [90_000, 90_001, 90_002]


def test_sound_is_stamped_by_counting_as_long_as_it_is_near_the_clock() -> None:
    clock = AudioClock()
    assert [clock.stamp(1.0), clock.stamp(1.09), clock.stamp(0.98)] == [48_000, 48_960, 49_920]


def test_sound_that_paused_jumps_to_the_clock() -> None:
    clock = AudioClock()
    clock.stamp(1.0)
    assert clock.stamp(1.2) == 57_600


def test_sound_that_runs_ahead_is_dropped_until_the_clock_has_come_near() -> None:
    clock = AudioClock()
    stamps = [clock.stamp(1.0) for _ in range(10)]
    assert stamps[:6] == [48_000 + 960 * n for n in range(6)]
    assert stamps[6:] == [None] * 4
    assert clock.stamp(1.05) == 48_000 + 960 * 6


def test_a_metronome_never_drifts_and_never_bursts() -> None:
    metronome = Metronome(0.1, 5.0)
    assert [metronome.beat(5.0), metronome.beat(5.05), metronome.beat(5.11)] == [0, None, 1]
    assert [metronome.beat(5.95), metronome.beat(5.95)] == [9, None]
    assert metronome.next_moment() == pytest.approx(6.0)


def test_a_metronome_with_slack_makes_up_for_few_missed_beats() -> None:
    metronome = Metronome(0.1, 0.0, slack=3)
    assert [metronome.beat(0.25) for _ in range(4)] == [0, 1, 2, None]
    assert metronome.beat(0.95) == 9


def test_a_player_that_is_hopelessly_late_goes_on_from_now() -> None:
    playback = Playback(10.0)
    playback.catch_up(1.0, 11.4)
    assert playback.position(11.4) == pytest.approx(1.4)
    playback.catch_up(1.0, 12.0)
    assert playback.position(12.0) == pytest.approx(1.0)


# -- waiting --


def test_we_sleep_until_shortly_before_the_next_picture_and_then_ask_often() -> None:
    expectation = Expectation(1 / 30)
    assert expectation.delay(0.0) == POLL
    expectation.arrived(1.0)
    assert expectation.delay(1.0) == pytest.approx(1 / 30 - EARLY)
    assert expectation.delay(1.04) == POLL


def test_a_slower_rhythm_is_learnt_and_a_stalled_device_is_asked_seldom() -> None:
    expectation = Expectation(1 / 30)
    for n in range(60):
        expectation.arrived(n / 15)
    assert expectation.delay(59 / 15) == pytest.approx(1 / 15 - EARLY, abs=0.002)
    assert expectation.delay(59 / 15 + 2) == IDLE_POLL


def test_a_faster_rhythm_is_learnt_from_pictures_that_wait_for_us() -> None:
    expectation = Expectation(1 / 15)
    for n in range(20):
        expectation.arrived(n / 15)
        expectation.arrived(n / 15 + 0.001)
    assert expectation.delay(19 / 15 + 0.001) < 1 / 25


# -- time code --


@settings(deadline=None)
@given(st.integers(0, 2**33), st.sampled_from([(1280, 720), (640, 480), (320, 180), (176, 144), (42, 24)]))
def test_a_time_code_is_read_back(milliseconds: int, size: tuple[int, int]) -> None:
    luma = np.full((size[1], size[0]), 90, np.uint8)
    timecode.draw(luma, milliseconds)
    assert timecode.read(luma) == milliseconds % 2**32


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_time_code_survives_noise_blur_and_scaling(milliseconds: int, seed: int) -> None:
    luma = np.full((720, 1280), 90, np.uint8)
    timecode.draw(luma, milliseconds)
    small = luma.reshape(360, 2, 640, 2).mean(axis=(1, 3))
    noise = np.random.default_rng(seed).normal(0, 12, small.shape)
    blurred = (small + np.roll(small, 1, 1) + np.roll(small, -1, 1) + np.roll(small, 2, 1)) / 4
    assert timecode.read((blurred * 0.8 + 20 + noise).clip(0, 255).astype(np.uint8)) == milliseconds


@pytest.mark.parametrize("value", [0, 16, 128, 255])
def test_a_plain_picture_holds_no_time_code(value: int) -> None:
    assert timecode.read(np.full((480, 640), value, np.uint8)) is None


def test_noise_and_a_wrong_check_sum_are_no_time_code() -> None:
    rng = np.random.default_rng(1)
    assert timecode.read(rng.integers(0, 255, (480, 640), np.uint8)) is None
    luma = np.full((480, 640), 90, np.uint8)
    timecode.draw(luma, 12345)
    luma[:40, 5 * 16 : 6 * 16] = 251 - luma[:40, 5 * 16 : 6 * 16]
    assert timecode.read(luma) is None


def test_the_pattern_moves_under_a_neutral_strip_and_says_the_time() -> None:
    pattern = Pattern(641, 361)
    first, second = ([np.zeros((360, 640), np.uint8), *np.zeros((2, 180, 320), np.uint8)] for _ in range(2))
    pattern.draw((first[0], first[1], first[2]), 1000, "12:00:01.000")
    pattern.draw((second[0], second[1], second[2]), 2000, "12:00:02.000")
    assert (timecode.read(first[0]), timecode.read(second[0])) == (1000, 2000)
    assert (first[1][:15] == 128).all()
    assert (first[2][:15] == 128).all()
    assert (first[0][60:200] != second[0][60:200]).any()


def test_blocks_know_when_they_begin() -> None:
    blocks = Blocks()
    assert blocks.push(b"a" * (BLOCK_BYTES // 2), 1.0) == []
    ((first, one), (second, two)) = blocks.push(b"b" * (BLOCK_BYTES * 3 // 2), 1.01)
    assert (first, second) == (pytest.approx(1.0), pytest.approx(1.02))
    assert (one[:1], one[-1:], two) == (b"a", b"b", b"b" * BLOCK_BYTES)


# -- names --


@pytest.mark.parametrize(
    ("name", "parsed"),
    [(":0", ("", 0, 0)), (":97.1", ("", 97, 1)), ("localhost:10.0", ("localhost", 10, 0)), ("unix:3", ("", 3, 0))],
)
def test_a_display_is_read(name: str, parsed: tuple[str, int, int]) -> None:
    assert parse_display(name) == parsed


@pytest.mark.parametrize("name", ["", "0", ":", ":x", "wayland-0"])
def test_what_is_no_display_is_none(name: str) -> None:
    assert parse_display(name) is None


def test_of_alsas_names_only_devices_are_kept() -> None:
    names = ["null", "default", "pulse", "surround51:CARD=PCH", "hw:CARD=PCH,DEV=0", "plughw:0,0", "lavrate", "oss"]
    assert [name for name in names if is_microphone(name)] == ["default", "pulse", "hw:CARD=PCH,DEV=0", "plughw:0,0"]


def test_the_node_of_a_hardware_microphone_is_found() -> None:
    assert pcm_node("hw:1,2", lambda card: None) == "/dev/snd/pcmC1D2c"
    assert pcm_node("plughw:CARD=PCH,DEV=0", {"PCH": 3}.get) == "/dev/snd/pcmC3D0c"
    assert pcm_node("default", lambda card: None) is None


def test_capture_devices_are_read_from_proc() -> None:
    text = (
        "00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1\n"
        "00-03: HDMI 0 : HDMI 0 : playback 1\n01-00: USB Audio : USB Audio : capture 1\n"
    )
    assert capture_devices(text) == {"hw:0,0": "ALC257 Analog", "hw:1,0": "USB Audio"}


def test_the_socket_of_the_sound_server_is_known() -> None:
    assert sound_sockets({"PULSE_SERVER": "unix:/x/native"}) == ("/x/native", "/pulse/", "pipewire")
    assert sound_sockets({"PULSE_SERVER": "tcp:host"}) == ("/pulse/", "pipewire")


def test_names_sort_by_their_numbers() -> None:
    assert sorted(["video10", "video2", "video1"], key=natural) == ["video1", "video2", "video10"]


def test_handles_are_told_by_node_and_by_peer() -> None:
    screen = belonging(Screen(":9"), {})
    assert screen.owns("socket:[1]", "\0/tmp/.X11-unix/X9\0")
    assert not screen.owns("socket:[1]", "\0/tmp/.X11-unix/X97\0")
    assert belonging(Camera("/dev/nothing"), {}).owns("/dev/nothing", None)
    assert belonging(Microphone(), {}).owns("/dev/snd/pcmC0D0c", None)
    assert belonging(File("http://a/b"), {}).owns("socket:[2]", None) is False


def test_metadata_nodes_are_no_cameras() -> None:
    capture, metadata, own = 0x1, 0x00800000, 0x80000000
    node = bytes(84)
    assert is_capture(node + (capture | own).to_bytes(4, "little") + capture.to_bytes(4, "little") + bytes(12))
    assert not is_capture(node + (capture | own).to_bytes(4, "little") + metadata.to_bytes(4, "little") + bytes(12))


def test_the_proof_for_an_x_display_is_found() -> None:
    def entry(number: bytes, cookie: bytes) -> bytes:
        fields = (b"host", number, x11.COOKIE, cookie)
        return b"\x01\x00" + b"".join(len(field).to_bytes(2, "big") + field for field in fields)

    authority = entry(b"0", b"zero") + entry(b"7", b"seven")
    assert x11.find_cookie(authority, 7) == b"seven"
    assert x11.find_cookie(authority, 8) == b""
    assert len(x11.setup_request(b"1" * 16)) == 12 + 20 + 16


# -- ways to open --


def test_a_camera_on_linux_is_asked_for_mjpeg_then_yuyv_then_anything() -> None:
    attempts = camera_attempts(Camera("/dev/video0", width=640, height=480, fps=15), "linux")
    assert [attempt.options.get("input_format") for attempt in attempts] == ["mjpeg", "yuyv422", None, None]
    assert attempts[0].options | {"video_size": "640x480", "framerate": "15", "fflags": "+4"} == attempts[0].options
    assert all(attempt.options["max_ts_probe"] == "0" for attempt in attempts)


@pytest.mark.parametrize(("platform", "demuxer"), [("linux", "v4l2"), ("darwin", "avfoundation"), ("win32", "dshow")])
def test_every_system_has_its_own_cameras(platform: str, demuxer: str) -> None:
    attempts = camera_attempts(Camera("x"), platform)
    assert {attempt.demuxer for attempt in attempts} == {demuxer}
    assert len(attempts) > 2


def test_hardware_microphones_are_asked_for_what_they_have() -> None:
    assert len(microphone_attempts(Microphone("default"), "linux")) == 1
    options = [attempt.options for attempt in microphone_attempts(Microphone("hw:0,0"), "linux")]
    assert [(option["sample_rate"], option["channels"]) for option in options][:2] == [("48000", "2"), ("48000", "1")]
    assert microphone_attempts(Microphone("Mic"), "win32")[0].name == "audio=Mic"


def test_a_screen_without_a_size_is_grabbed_whole() -> None:
    (whole,) = screen_attempts(Screen(":0"), "linux")
    assert "video_size" not in whole.options
    (part,) = screen_attempts(Screen(":0", width=64, height=32, x=5, y=6, cursor=False), "linux")
    expected = {"video_size": "64x32", "grab_x": "5", "grab_y": "6", "draw_mouse": "0"}
    assert part.options | expected == part.options
    assert screen_attempts(Screen(), "win32")[0].name == "desktop"


# -- sentences --


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.ENOENT, DeviceNotFound),
        (errno.ENODEV, DeviceNotFound),
        (errno.EBUSY, DeviceBusy),
        (errno.EACCES, DeviceDenied),
        (errno.EIO, DeviceFailed),
    ],
)
def test_errors_of_the_system_have_their_class_and_one_sentence(code: int, error: type[Exception]) -> None:
    failure = open_failure(Camera("/dev/video0"), code)
    assert type(failure) is error
    assert str(failure).endswith(".")
    assert "/dev/video0" in str(failure)


def test_a_busy_microphone_is_known_by_who_holds_it() -> None:
    failure = open_failure(Microphone("hw:0,0"), errno.EIO, [Holder(7, "zoom")])
    assert str(failure) == "The microphone hw:0,0 is in use by process 7 (zoom): end that, then try again."


def test_unplugged_is_said() -> None:
    assert "unplugged" in running_failure(Camera("/dev/video0"), errno.ENODEV)


def test_what_was_asked_and_what_came_is_said() -> None:
    asked = {"asked_width": 1280, "asked_height": 720, "asked_fps": 30.0}
    assert Opened(1280, 720, 30, "mjpeg", **asked).describe() == "1280x720 at 30 fps, mjpeg (as asked)"
    assert Opened(640, 480, 30, "yuyv422", **asked).describe() == "640x480 at 30 fps, yuyv422 (asked for 1280x720)"
    assert Opened(640, 480, 15, "mjpeg", **asked).describe().endswith("(asked for 1280x720 at 30 fps)")
    assert Opened(rate=44_100, channels=1, sound_coding="opus").describe() == "44100 Hz mono, opus"


def test_two_names_of_one_camera_are_one_device() -> None:
    assert Camera("/dev/video0").key == Camera("/dev/../dev/video0", width=320).key
    assert Camera("/dev/video0").key != Camera("/dev/video1").key
    assert File("a.mp4").key != File("a.mp4").key
