"""Recordings of real calls, read back: lip sync, late joiners, what is left after a kill or on a full disk."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import av
import pytest

from peer import ExitRoom, File, Peer, Recorder, RecordingEnded, TestPattern
from peer.capture import timecode
from peer.exit import ExitState
from signaling.server import SignalingServer, Site
from tests.command import ROOT, Command, exeunt
from tests.devices.tools import need, process
from tests.journal import Journal
from tests.peer.recording.frames import read
from tests.peer.recording.sync import apart, make_film

LIMIT = 30.0  # seconds
SECONDS = 4  # of a film, that beeps at each full one
HEARD = 2  # beeps at least
IN_SYNC = 0.04  # seconds
MAY_BE_LOST = 2000  # milliseconds
PICTURES = 45  # three seconds of them
DISK = 160 * 1024  # bytes
ON_A_SMALL_DISK = f"""
mount -t tmpfs -o size={DISK} none "$0" || exit
trap 'kill $!' TERM
"$@" & wait $!
status=$?
cp "$0"/* "$0/../kept"
exit $status
"""
SMALL = TestPattern(width=320, height=180, fps=15)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with SignalingServer().listen() as site:
        yield site


async def test_a_room_is_one_file_in_sync_complete_when_we_are_out(site: Site, tmp_path: Path) -> None:
    journal, path = Journal(), tmp_path / "room.mkv"
    film = File(make_film(tmp_path / "film.webm", SECONDS))
    async with Peer(site.ws_url, room="lobby", user="ana") as ana, Peer(site.ws_url, room="lobby", user="me") as me:
        ended = asyncio.Event()
        ana.on_source_ended(lambda _: ended.set())
        me.on_recording_ended(lambda event: journal.add("me", event))
        me.on_exit_room(lambda event: journal.add("me", event))
        me.on_exit_room(lambda _: journal.note("me", f"{len(read(path).tracks)} tracks"))
        recorder = Recorder(me, path)
        await recorder.start()
        async with asyncio.timeout(LIMIT):
            await ana.publish(film)
            async with Peer(site.ws_url, room="lobby", user="bo") as bo:
                await bo.publish(SMALL, codec="vp8")
                await until_received(me, "bo")
                await ended.wait()
        await me.leave()
    assert journal.of("me") == ["recordingEnded", "exitRoom left", "4 tracks"]
    (complete, out) = [event for _, event in journal.events]
    assert isinstance(complete, RecordingEnded)
    assert isinstance(out, ExitRoom)
    assert {step.name: step.ended for step in out.report.steps}[ExitState.CLOSING.name.lower()] == "ok"
    file = read(path)
    assert sorted(file.names) == ["ana opus", "ana vp8", "bo opus", "bo vp8"]
    assert file.seconds == pytest.approx(complete.seconds, abs=0.01)
    numbers = {name: number for number, name in enumerate(file.names)}
    skews = apart(path, numbers["ana vp8"], numbers["ana opus"])
    assert len(skews) >= HEARD, skews  # a busy machine may connect after the first
    assert max(map(abs, skews)) < IN_SYNC, skews


async def test_what_is_killed_has_lost_two_seconds_at_most(site: Site, tmp_path: Path) -> None:
    async with Peer(site.ws_url, room="lobby", user="ana") as ana:
        await ana.publish(SMALL, codec="vp8")
        async with exeunt("record", site.ws_url, "lobby", "--out", str(tmp_path / "out"), "--json") as command:
            started = await command.until("recordingStarted")
            path = Path(str(started["path"]))
            async with Peer(site.ws_url, room="lobby", user="bo") as bo, asyncio.timeout(LIMIT):
                await watch(bo, PICTURES)
            command.signal(signal.SIGKILL)
            killed = time.time() * 1000
            assert (await command.end())[0] == -signal.SIGKILL
    assert path == tmp_path / "out" / "lobby.mkv"
    code = last_code(path)
    assert code is not None
    assert (killed - code) % 2**32 < MAY_BE_LOST
    file = read(path)
    assert sorted(file.names) == ["ana opus", "ana vp8"]
    assert file.seconds is not None
    assert file.seconds > PICTURES / SMALL.fps - MAY_BE_LOST / 1000


async def until_received(me: Peer, user: str) -> None:
    """Wait until pictures and sound of a user come."""
    remote = await me.user(user)
    await remote.video.first_frame(timeout=LIMIT)
    async for _ in remote.audio.frames():
        return


async def watch(me: Peer, count: int) -> None:
    """Wait for so many pictures of ana: what others are sent meanwhile is as much."""
    async for _ in me.users["ana"].video.frames():
        count -= 1
        if not count:
            return


def last_code(path: Path) -> int | None:
    """Return the time code of the last picture in a file."""
    last = None
    with av.open(str(path)) as container:
        for frame in container.decode(video=0) if container.streams.video else ():
            last = timecode.read(frame.to_ndarray(format="gray"))
    return last


async def test_a_full_disk_ends_the_command_with_a_sentence_and_a_file_that_plays(site: Site, tmp_path: Path) -> None:
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    kept.mkdir()
    async with Peer(site.ws_url, room="lobby", user="ana") as ana:
        await ana.publish(SMALL, codec="vp8")
        async with recording_onto_a_small_disk(site, disk) as command:
            failed = await command.until("recordingFailed")
            assert failed["text"] == "the disk is full"
            assert str((await command.until("track"))["text"]).startswith(
                "ana: picture VP8 320x180, sound Opus, 0:00:0"
            )
            await command.until("exitRoom")
            status, said = await command.end()
            assert status == 1
            assert command.errors.endswith(f"{disk / 'lobby.mkv'}: the disk is full\n")
            assert '"type":"error"' in said
    assert DISK / 2 < (kept / "lobby.mkv").stat().st_size <= DISK
    assert len(read(kept / "lobby.mkv").tracks) == 2


@asynccontextmanager
async def recording_onto_a_small_disk(site: Site, folder: Path) -> AsyncIterator[Command]:
    """Record onto a disk of its own, which only the command sees; what it wrote is copied when it has ended."""
    alone = (need("unshare", "util-linux"), "--mount", "sh", "-c", ON_A_SMALL_DISK, str(folder))
    record = (sys.executable, "-m", "peer.cli", "record", site.ws_url, "lobby", "--out", str(folder), "--json")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    pipe = asyncio.subprocess.PIPE
    async with process(*alone, *record, environment=environment, stdout=pipe, stderr=pipe) as running:
        yield Command(running)
