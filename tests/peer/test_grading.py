"""Grades of real connections, as events and in what `exeunt publish --stats` shows."""

import asyncio
import fcntl
import os
import re
import signal
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from peer import Peer, Quality, RemoteUserQuality, TestPattern
from peer.config import PeerConfig
from signaling.server import Site
from tests.command import python
from tests.journal import Journal

SECONDS = 60.0  # for two programs that start, and are seen
HEADINGS = re.compile(r"user +kind +codec +fps +kbit/s +loss +rtt +limited by +quality")
OF_ANA = re.compile(r"ana +video +(H264|VP8) ")


def grades(journal: Journal) -> list[Quality]:
    """Return what ana was told of bo's connection."""
    told = [event for who, event in journal.events if who == "ana" and isinstance(event, RemoteUserQuality)]
    return [event.quality for event in told if event.user == "bo"]


async def test_a_viewer_is_graded_by_their_reports_and_down_while_they_are_away(
    site: Site, join: Callable[..., object], journal: Journal
) -> None:
    config = PeerConfig(quality_interval=0.2)
    watcher = Peer(site.ws_url, room="lobby", user="eva", config=config)
    watcher.on_remote_user_quality(lambda event: journal.note("eva", f"{event.user} {event.quality.name}"))
    async with Peer(site.ws_url, room="lobby", user="ana", config=config) as ana, watcher:
        ana.on_remote_user_quality(lambda event: journal.add("ana", event))
        assert ana.quality("bo") is Quality.UNKNOWN
        bo = cast("Peer", await join("bo"))
        await ana.publish(TestPattern(width=64, height=64, fps=10))
        await journal.until_true(lambda: Quality.EXCELLENT in grades(journal) or Quality.GOOD in grades(journal))
        assert ana.quality("bo") in (Quality.EXCELLENT, Quality.GOOD)
        assert bo.quality("ana") is Quality.UNKNOWN  # nobody asked there
        await journal.until_true(lambda: bool({"ana EXCELLENT", "ana GOOD"} & set(journal.of("eva"))))  # by what comes
        for call in tuple(bo._here.topology._connections):
            bo._here.topology._close(call)
        await journal.until_true(lambda: grades(journal)[-1:] == [Quality.DOWN])
        assert ana.quality("bo") is Quality.DOWN


async def test_publish_shows_what_it_sends_to_whom_as_json_and_as_a_table_on_a_terminal(site: Site) -> None:
    arguments = (
        "-m",
        "peer.cli",
        "publish",
        site.ws_url,
        "lobby",
        "--test",
        "--size",
        "64x64",
        "--fps",
        "10",
        "--stats",
    )
    with terminal() as (end, shown):
        async with (
            Peer(site.ws_url, room="lobby", user="ana"),
            python(*arguments, "--user", "json", "--json") as lines,
            python(*arguments, "--user", "tty", stdout=end) as table,
            asyncio.timeout(SECONDS),
        ):
            while not flow_as_they_should(streams := of_ana(await lines.until("stats"))):
                pass
            while not OF_ANA.search(plain(shown)):  # noqa: ASYNC110 - a terminal tells nobody
                await asyncio.sleep(0.05)
            table.signal(signal.SIGINT)
            assert await table.running.wait() == 0
    assert streams[1]["kbps"] > 1
    assert streams[1]["codec"] in ("H264", "VP8")
    assert HEADINGS.search(plain(shown)), plain(shown)


def flow_as_they_should(streams: list[dict[str, Any]]) -> bool:
    """Whether there are sound, and ten pictures a second: each stream begins by itself, and a look may be late."""
    match streams:
        case [{"kind": "audio", "fps": float()}, {"kind": "video", "fps": float(fps)}]:
            return 5 < fps < 15
    return False


def plain(shown: bytearray) -> str:
    """Return what is on the terminal without colours and moves; of a character that is cut in two, nothing yet."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode(errors="ignore"))


def of_ana(line: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in line["streams"] if row["user"] == "ana"]


@contextmanager
def terminal() -> Iterator[tuple[int, bytearray]]:
    """A terminal of 120 columns, and what is shown on it."""
    ours, theirs = os.openpty()
    os.set_blocking(ours, False)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    shown, loop = bytearray(), asyncio.get_running_loop()
    loop.add_reader(ours, lambda: shown.extend(os.read(ours, 65536)))
    try:
        yield theirs, shown
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)
