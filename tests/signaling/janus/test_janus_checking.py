"""Options about Janus that cannot be."""

from typing import Any

import pytest

from signaling.config import SignalingConfig

URL, SECRET = "wss://janus.example.org/janus", "sixteen letters."


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"topology": "star"}, "topology must be mesh or janus, not 'star'"),
        ({"topology": "janus"}, "topology janus takes a Janus server"),
        ({"janus": (URL,)}, "janus and janus_secret go together"),
        ({"janus_secret": SECRET}, "janus and janus_secret go together"),
        ({"janus": (URL,), "janus_secret": "short"}, "at least 16 characters"),
        ({"janus": (URL, URL), "janus_secret": SECRET}, "each server once"),
        *(
            ({"janus": (url,), "janus_secret": SECRET}, "janus must look like ws://example.org:8188")
            for url in ("http://example.org", "ws://", "ws://[::1", "ws://example.org:0", "ws://example.org/\n")
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SignalingConfig(**options)


def test_a_server_may_know_several_and_have_rooms_of_both_kinds() -> None:
    config = SignalingConfig(janus=(URL, "ws://10.0.0.1:8188"), janus_secret=SECRET)
    assert config.topology == "mesh"
    assert "sixteen" not in repr(config)
