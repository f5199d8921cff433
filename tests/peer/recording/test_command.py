"""What `exeunt record` shows and refuses; what it records is shown by tests/e2e/test_recording.py."""

from pathlib import Path

import pytest
from rich.console import Console

from peer.cli.app import run
from peer.cli.record import RecordOptions, describe, length_words, render, rows, size_words
from peer.recording.reel import TrackLength

TRACKS = (
    TrackLength("ana", "video", "h264", 1280, 720, 3723.4, 1, 900_123_456),
    TrackLength("bo with a name that is longer", "audio", "opus", 0, 0, 3.0, 1, 1234),
    TrackLength("ana", "audio", "opus", 0, 0, 3720.0, 1, 14_000_000),
)


def test_each_user_is_one_row_with_what_is_recorded_of_them() -> None:
    ana, bo = rows(TRACKS, {"ana": 12})
    assert describe(ana) == "ana: picture H.264 1280x720, sound Opus, 1:02:03, 914.1 MB, 12 packets lost"
    assert describe(bo) == "bo with a name that is longer: picture -, sound Opus, 0:00:03, 1.2 kB, 0 packets lost"


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_a_terminal(width: int) -> None:
    console = Console(width=width, color_system=None, force_terminal=True)
    with console.capture() as shown:
        console.print(render(rows(TRACKS, {"ana": 12})))
        console.print(render([]))
    lines = [" ".join(line.split()) for line in shown.get().splitlines()]
    assert lines[:3] == [
        "user picture sound length size lost",
        "ana H.264 1280x720 Opus 1:02:03 914.1 MB 12",
        "bo with a name that is … - Opus 0:00:03 1.2 kB 0",
    ]
    assert lines[-1] == "nobody yet"
    assert all(len(line) <= 80 for line in shown.get().splitlines())


def test_lengths_and_sizes_are_said_as_people_do() -> None:
    assert [length_words(seconds) for seconds in (0, 59.9, 60, 36_000)] == ["0:00:00", "0:00:59", "0:01:00", "10:00:00"]
    assert [size_words(size) for size in (0, 999, 1000, 12_345_678, 10**12, 10**16)] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "12.3 MB",
        "1.0 TB",
        "10000.0 TB",
    ]


def test_the_file_is_named_after_the_room_or_the_user_and_stays_in_its_folder() -> None:
    assert RecordOptions(folder=Path("out"), container="mkv").path("../x y") == Path("out/_x_y.mkv")
    assert RecordOptions(folder=Path("out"), container="mp4", each=True).path("lobby") == Path("out/{user}.mp4")


def test_what_cannot_be_is_said_in_a_line_before_anybody_is_joined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    server = "ws://127.0.0.1:1/ws"
    for words, text in (
        (["--out", str(tmp_path / "file" / "x")], "cannot be made"),
        (["--out", str(tmp_path / "file")], "cannot be made"),
        (["--out", str(tmp_path), "--each", "--composite"], "choose one of them"),
        (["--out", str(tmp_path), "--container", "avi"], "is not one of"),
        ([], "Missing option"),
    ):
        assert run(["record", server, "lobby", *words]) == 2, words
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("exeunt: ")
        assert text in line
