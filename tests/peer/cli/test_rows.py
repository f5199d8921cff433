"""What `exeunt publish --stats` shows."""

from msgspec.structs import replace

from peer.cli.rows import Row, Rows, Stream
from peer.quality import Quality

STREAM = Stream("bo", "video", 7, "H264", frames=10, octets=1000, loss=0.0, round_trip=None, limitation="none")


def quality(user: str) -> Quality:
    return Quality.GOOD if user == "bo" else Quality.UNKNOWN


def test_the_first_look_knows_no_rates_and_the_next_ones_do() -> None:
    rows = Rows()
    assert rows.look([STREAM], quality, 100.0) == [Row("bo", "video", "H264", None, None, 0.0, None, "none", 2)]
    later = replace(STREAM, frames=70, octets=251_000, loss=0.012, round_trip=0.0205, limitation="bandwidth")
    assert rows.look([later], quality, 102.0) == [Row("bo", "video", "H264", 30.0, 1000.0, 1.2, 20.5, "bandwidth", 2)]
    assert rows.look([later], quality, 102.0)[0].fps is None


def test_streams_of_one_viewer_are_together_and_who_is_gone_is_not_shown() -> None:
    rows = Rows()
    ana = replace(STREAM, user="ana", ssrc=8)
    sound = replace(STREAM, kind="audio", ssrc=9)
    assert [(row.user, row.kind) for row in rows.look([STREAM, ana, sound], quality, 1.0)] == [
        ("ana", "video"),
        ("bo", "audio"),
        ("bo", "video"),
    ]
    assert [(row.user, row.quality, row.fps) for row in rows.look([ana], quality, 2.0)] == [("ana", 0, 0.0)]
    assert rows.look([], quality, 3.0) == []
