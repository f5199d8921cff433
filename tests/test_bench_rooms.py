"""What `bench/rooms.py` counts and how it sums up."""

import asyncio

import pytest

from bench.rooming import report, servers, takeover
from bench.rooming.crowd import Client, Crowd, Waiting
from bench.rooming.dialects import EXEUNT, masked
from bench.rooming.servers import KINDS, NODE, OURS, PYTHON, measure, missing, serving
from bench.rooms import TASKS
from signaling import SignalingServer
from tests.npm.modules import need_modules

LIMIT = 20.0  # seconds for anything that is waited for
HEARTBEAT = 1.5  # seconds, of which half are for an answer, on a machine that is busy


@pytest.mark.parametrize("size", [0, 125, 126, 60_000])
def test_a_masked_frame_is_read_back(size: int) -> None:
    payload = b"x" * size
    frame = masked(payload)
    head = 2 if size < 126 else 4
    mask, rest = frame[head : head + 4], frame[head + 4 :]
    assert bytes(byte ^ mask[at % 4] for at, byte in enumerate(rest)) == payload


async def test_every_delivery_is_counted_once_however_the_bytes_arrive() -> None:
    async with SignalingServer().listen() as site:
        heard = await asyncio.to_thread(_speak, site.ws_url, 500)
    assert heard == 2 * 500


def _speak(url: str, count: int) -> int:
    """Return how much was heard until it was all, or nothing more came."""
    crowd = Crowd([url], EXEUNT, [])
    speaker, *others = crowd.enter(["42"] * 3)
    waiting = Waiting(others)
    waiting.drain(EXEUNT.said)
    heard = 0
    for _ in range(count):
        speaker.say(EXEUNT.say("42"))
    while ready := waiting.ready(0.5 if heard >= 2 * count else LIMIT):
        heard += sum(client.hear(EXEUNT.said) for client in ready)
    waiting.close()
    for client in (speaker, *others):
        client.close()
    return heard


async def test_a_ping_is_answered_so_that_nobody_is_lost() -> None:
    server = SignalingServer(heartbeat=HEARTBEAT, grace=0)
    async with server.listen() as site:
        client = await asyncio.to_thread(_listen, site.ws_url)
        assert len(server.rooms()[0].users) == 1
        client.close()


def _listen(url: str) -> Client:
    crowd = Crowd([url], EXEUNT, [])
    (client,) = crowd.enter(["42"])
    waiting = Waiting([client])
    waiting.drain(EXEUNT.said)
    for _ in range(2):  # pings: the second is for who has answered the first
        assert waiting.ready(LIMIT)
        client.hear(EXEUNT.said)
    waiting.close()
    return client


@pytest.mark.parametrize("kind", KINDS)
async def test_every_server_can_be_measured(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind == NODE:
        monkeypatch.setattr(servers, "MODULES", need_modules().parent)
    assert missing(kind) is None
    async with serving(kind) as nodes:
        fan = await measure(nodes, "fan", size=3, window=2, seconds=0.2)
        leaves = await measure(nodes, "leaves", size=3, samples=2)
        notices = await measure(nodes, "notices", samples=2)
        joins = await measure(nodes, "joins", users=4)
    assert float(str(fan["deliveries_per_second"])) > 10
    for told in (leaves["seconds"], notices["seconds"]):
        assert isinstance(told, list)
        assert len(told) == 2
        assert all(0 < seconds < 5 for seconds in told)
    assert float(str(joins["per_second"])) > 1


def test_the_median_is_taken_of_all_samples_of_all_runs() -> None:
    assert report.median([{"s": [1.0, 9.0]}, {"s": [2.0]}], "s") == 2.0
    assert report.median([{"s": 4.0}, {"s": 6.0}], "s") == 5.0


def test_the_table_shows_every_server_the_ratios_and_what_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    cells: report.Cells = {"idle": {OURS: [{"kib_per_user": 10.0}], NODE: [{"kib_per_user": 20.0}]}}
    report.show(cells, [OURS, NODE], [f"{PYTHON}: left out"], as_json=False)
    shown = capsys.readouterr().out
    assert "memory of an idle user" in shown
    assert shown.split("memory of an idle user")[1].split()[:5] == ["10.0", "KiB", "20.0", "KiB", "0.50"]
    assert f"{PYTHON}: left out" in shown


def test_take_overs_are_summed_up_in_one_sentence() -> None:
    runs = [{"goes_on": 3.0, "is_back": 3.5}, {"goes_on": 2.5, "is_back": 3.25}, {"goes_on": 4.0, "is_back": 4.0}]
    said = takeover.sentence(runs)
    assert "3 runs" in said
    assert "3.00 s (2.50 to 4.00)" in said
    assert "3.50 s (3.25 to 4.00)" in said


def test_every_line_of_the_table_is_measured() -> None:
    assert {line.task for line in report.LINES} == {task.name for task in TASKS}
