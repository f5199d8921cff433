"""A container's pictures and sound on one line of time, decoded and as they come."""

from itertools import pairwise
from pathlib import Path

import av
import pytest

from peer.capture.source import Kind
from peer.capture.tape import Tape
from tests.e2e.movie import make_movie

PACKETS = 10


@pytest.mark.parametrize(("suffix", "video"), [("webm", "libvpx"), ("mp4", "libx264")])
def test_sound_that_is_sent_as_it_is_stays_with_the_picture_though_decoders_are_behind(
    tmp_path: Path, suffix: str, video: str
) -> None:
    options = {} if video == "libvpx" else {"tune": "zerolatency", "profile": "baseline"}
    movie = make_movie(
        tmp_path / f"movie.{suffix}", seconds=0.4, video=video, options=options, sound={"frame_duration": "20"}
    )
    with av.open(str(movie)) as container:
        tape = Tape(container, loop=False)
        while len(tape.units[Kind.AUDIO]) < PACKETS or not tape.units[Kind.VIDEO]:
            tape.advance()
        pictures, sounds = ([at for at, _ in tape.units[kind]] for kind in (Kind.VIDEO, Kind.AUDIO))
    assert pictures[0] == pytest.approx(sounds[0], abs=0.0011)  # files count milliseconds
    assert [after - before for before, after in pairwise(sounds[1:])] == pytest.approx(
        [0.02] * (len(sounds) - 2), abs=0.0011
    )
