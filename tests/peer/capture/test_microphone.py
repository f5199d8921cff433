"""The microphone through ALSA and a private PulseAudio, in a process of its own."""

from pathlib import Path

import pytest

from peer.capture import alsa
from peer.errors import DeviceNotFound
from tests.devices.pulse import microphone
from tests.devices.v4l2 import child

CHILD = Path(__file__).with_name("child.py")


async def test_the_tone_is_heard_in_our_form_and_the_microphone_is_let_go() -> None:
    async with microphone(tone=440) as sound, child(CHILD, sound.environment, "microphone", "default") as lines:
        for _ in range(2):
            await lines.say("acquire")
            opened = await lines.next("opened")
            assert opened["form"] == "48000 Hz stereo, pcm_s16le"
            assert await sound.listeners() == 1
            await lines.say("sound 60")
            heard = await lines.next("sound")
            assert abs(float(str(heard["peak"])) - 440) < 3
            assert heard["forms"] == ["s16 stereo 960 48000 1/48000"]
            await lines.say("release")
            released = await lines.next("released")
            assert (released["outcome"], released["handles"], released["threads"]) == ("verified", [], [])
            assert await sound.listeners() == 0
        assert await lines.ended() == 0


async def test_without_a_sound_server_the_remedy_is_named(tmp_path: Path) -> None:
    environment = {"PULSE_SERVER": f"unix:{tmp_path}/nobody", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    async with child(CHILD, environment, "microphone", "pulse") as lines:
        await lines.say("acquire")
        failed = await lines.next("failed")
        assert failed["error"] == "DeviceFailed"
        assert "sound server" in str(failed["text"])
        assert (failed["handles"], failed["threads"]) == ([], [])


def test_alsa_is_pointed_to_the_systems_files(tmp_path: Path) -> None:
    (tmp_path / "usr/share/alsa").mkdir(parents=True)
    (tmp_path / "usr/share/alsa/alsa.conf").touch()
    (tmp_path / "usr/lib/aarch64-linux-gnu/alsa-lib").mkdir(parents=True)
    assert alsa.missing_settings({}, tmp_path) == {
        "ALSA_CONFIG_PATH": f"{tmp_path}/usr/share/alsa/alsa.conf",
        "ALSA_PLUGIN_DIR": f"{tmp_path}/usr/lib/aarch64-linux-gnu/alsa-lib",
    }


def test_what_the_user_set_for_alsa_stays(tmp_path: Path) -> None:
    (tmp_path / "usr/share/alsa").mkdir(parents=True)
    (tmp_path / "usr/share/alsa/alsa.conf").touch()
    assert alsa.missing_settings({"ALSA_CONFIG_PATH": "/mine", "ALSA_PLUGIN_DIR": "/too"}, tmp_path) == {}


def test_without_alsas_configuration_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alsa, "CONFIG", "nowhere/alsa.conf")
    monkeypatch.delenv("ALSA_CONFIG_PATH", raising=False)
    monkeypatch.delenv("ALSA_CONFIG_DIR", raising=False)
    with pytest.raises(DeviceNotFound, match="libasound2-data"):
        alsa.prepare()
