"""A file of options says the same as the command line, or one clear sentence."""

import pytest

from peer.cli.settings import read_settings
from peer.errors import UsageError

OPTIONS = {
    "url": "url",
    "camera": "camera",
    "microphone": "microphone",
    "keep-devices": "keep_devices",
    "for": "seconds",
}


def test_each_option_is_the_value_of_its_parameter_with_either_dash() -> None:
    text = 'url = "ws://a/ws"\nkeep_devices = true\nfor = 2.5\ncamera = true\nmicrophone = false'
    expected = {"url": "ws://a/ws", "keep_devices": True, "seconds": 2.5, "camera": "default"}
    assert read_settings(text, OPTIONS, where="k.toml") == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("url = ", "k.toml is no TOML"),
        ("camra = 1", "k.toml: there is no option 'camra': did you mean 'camera'?"),
        ("keep_device = 1", "did you mean 'keep-devices'?"),
        ("zzz = 1", "there are camera, for, keep-devices, microphone, url"),
        ("url = [1]", "k.toml: url must be a text, a number, true or false, not list"),
        ("[camera]\ndevice = 1", "not dict"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_settings(text, OPTIONS, where="k.toml")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
