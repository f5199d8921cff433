"""A journal as a file: whole lines, from several writers, that outlive them; and never in anybody's way."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from signaling.entry import Entry, decode_entry
from signaling.journal import Journal
from signaling.messages import RemoteUserLeave
from signaling.reasons import Detection, Reason
from tests.command import python

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from signaling.journal import Journal
journal = Journal.open(sys.argv[1], who=f"peer lobby/{sys.argv[2]}")
for number in range(int(sys.argv[3])):
    journal.write("leaving", text=str(number))
print("written", flush=True)
sys.stdin.read()
"""


def read(path: Path) -> list[Entry]:
    """Every line, none of which may be damaged; whoever opened it in the middle of another's write began a new one."""
    lines = [decode_entry(line) for line in path.read_bytes().splitlines() if line]
    assert None not in lines
    return [line for line in lines if line is not None]


def test_events_and_messages_are_lines_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal.open(path, who="peer lobby/ana") as journal:
        journal.write("leaving", reason=Reason.LEFT)
        journal.session = "1"
        journal.write("step", name="notifying", took=0.001, ended="ok")
        journal.tell(
            RemoteUserLeave(user="bo", session="2", seq=7, reason=Reason.LEFT, detected_by=Detection.NOTICE), told=3
        )
    lines = read(path)
    assert [(line.event, line.session, line.user) for line in lines] == [
        ("leaving", None, None),
        ("step", "1", None),
        ("remoteUserLeave", "2", "bo"),
    ]
    assert [line.who for line in lines] == ["peer lobby/ana"] * 3
    assert lines[2].told == 3
    assert lines[0].mono <= lines[1].mono <= lines[2].mono


def test_a_journal_is_appended_to_and_is_not_for_everybody_to_read(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    for text in ("one", "two"):
        with Journal.open(path, who="server") as journal:
            journal.write("serverStarted", text=text)
    assert [line.text for line in read(path)] == ["one", "two"]
    assert path.stat().st_mode & 0o007 == 0


def test_a_journal_that_is_truncated_while_it_is_open_goes_on_at_the_new_end(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal.open(path, who="server") as journal:
        journal.write("serverStarted")
        os.truncate(path, 0)
        journal.write("serverStopping")
    assert [line.event for line in read(path)] == ["serverStopping"]


def test_without_a_file_nothing_is_written_and_after_closing_no_more() -> None:
    with Journal.open(None, who="server") as journal:
        journal.write("serverStarted")
    journal.write("serverStopping")
    journal.close()


async def test_several_processes_share_a_file_and_sigkill_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    pipe = {"stdin": asyncio.subprocess.PIPE}
    async with (
        python("-c", WRITER, str(path), "ana", "2000", **pipe) as ana,
        python("-c", WRITER, str(path), "bo", "2000", **pipe) as bo,
    ):
        for writer in (ana, bo):
            assert await writer.line() == "written"
            writer.signal(signal.SIGKILL)
            assert (await writer.end())[0] == -signal.SIGKILL
    lines = read(path)
    for user in ("ana", "bo"):
        assert [line.text for line in lines if line.who == f"peer lobby/{user}"] == [str(n) for n in range(2000)]


def test_after_a_torn_line_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b'{"mono":1.0,"wal')
    with Journal.open(path, who="server") as journal:
        journal.write("serverStarted")
        journal.write("serverStopping")
    torn, *whole = path.read_bytes().splitlines()
    assert decode_entry(torn) is None
    assert [line.event for line in map(decode_entry, whole) if line] == ["serverStarted", "serverStopping"]


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged of it; Python may collect what another test left, and somebody else log that, at any moment."""
    return [record.getMessage() for record in caplog.records if record.name == "signaling.journal"]


def test_a_missing_folder_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Journal.open(tmp_path / "nowhere" / "journal", who="server") as journal:
        journal.write("serverStarted")
        journal.write("serverStopping")
    assert ["No such file" in text for text in said(caplog)] == [True]


def test_a_full_disk_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with Journal.open("/dev/full", who="server") as journal:
        journal.write("serverStarted")
        journal.write("serverStopping")
    assert ["No space left" in text for text in said(caplog)] == [True]


def test_a_pipe_that_nobody_reads_stops_nobody_and_its_lines_are_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with Journal.open(path, who="server") as journal:
            for _ in range(3000):  # more than a pipe holds
                journal.write("serverStarted", text="x" * 100)
            first = os.read(reader, 1 << 20)
            journal.write("serverStopping")
        rest = os.read(reader, 1 << 20)
    finally:
        os.close(reader)
    assert len(said(caplog)) == 1
    *_, last = [decode_entry(line) for line in (first + rest).splitlines()]
    assert last is not None
    assert last.event == "serverStopping"


def test_what_cannot_be_encoded_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "journal"
    with Journal.open(path, who="server") as journal:
        journal.write("serverStarted", text="\udc80")
        journal.write("serverStopping")
    assert [line.event for line in read(path)][-1] == "serverStopping"
    assert len(said(caplog)) <= 1
