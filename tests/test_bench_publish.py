"""What `bench/publish.py` counts, reads and adds up; and one short run of it."""

import argparse
import json
import math
import os
import random
import struct
import wave
from pathlib import Path

import av
import pytest

from bench import publish
from bench.publishing import figures, footage, processes, rtp
from bench.publishing.figures import Cell
from bench.publishing.processes import Tree
from peer.capture import timecode
from tests.command import python

SMOKE = ("publish", "--viewers", "1", "--seconds", "1", "--runs", "1", "--against", "none", "--json")
PACKETS = 4  # of a frame

SDP = """v=0
m=audio 9 UDP/TLS/RTP/SAVPF 96 0
a=rtpmap:96 opus/48000/2
a=rtpmap:0 PCMU/8000
m=video 9 UDP/TLS/RTP/SAVPF 97 98
a=rtpmap:97 H264/90000
a=rtpmap:98 rtx/90000
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
"""


def counted(packets: list[tuple[int, bool]]) -> rtp.StreamCounter:
    """Count these packets: sequence number, marker."""
    counter = rtp.StreamCounter()
    for sequence, marker in packets:
        counter.add(sequence, marker=marker)
    return counter


def frames(count: int, first: int = 0) -> list[tuple[int, bool]]:
    """Return the packets of so many frames."""
    return [((first + n) % 65536, n % PACKETS == PACKETS - 1) for n in range(count * PACKETS)]


def cell(publisher: str, cpu: float, *, run: int = 0, worst: float = 30.0, error: str = "") -> Cell:
    return Cell(
        publisher=publisher,
        codec="h264",
        viewers=8,
        run=run,
        cpu=cpu,
        frames=30.0,
        worst=worst,
        kilobits=1500.0,
        memory=80.0,
        start=0.5,
        others=0.1,
        viewers_cpu=0.1,
        error=error,
    )


def test_media_is_told_from_everything_else_on_the_same_port() -> None:
    header = struct.pack("!BBHLL", 0x80, 0x80 | 97, 7, 3000, 42)
    assert rtp.is_media(header)
    assert rtp.read_header(header) == rtp.Header(97, True, 7, 3000, 42)
    assert not rtp.read_header(struct.pack("!BBHLL", 0x90, 97, 7, 3000, 42)).marker
    assert not rtp.is_media(struct.pack("!BBHLL", 0x80, 200, 7, 3000, 42))  # RTCP
    assert not rtp.is_media(struct.pack("!BBHLL", 0x00, 1, 7, 3000, 42))  # STUN
    assert not rtp.is_media(struct.pack("!BBHLL", 22, 254, 7, 3000, 42))  # DTLS
    assert not rtp.is_media(header[:-1])


def test_a_description_says_which_packets_are_of_which_kind() -> None:
    assert rtp.payload_types(SDP) == {96: "audio", 0: "audio", 97: "video"}
    assert rtp.offered_kinds(SDP) == ["audio", "video"]


def test_whole_frames_are_counted() -> None:
    counter = counted(frames(10))
    assert (counter.whole, counter.received, counter.expected, counter.highest) == (10, 40, 40, 39)


@pytest.mark.parametrize(
    ("codec", "payload", "is_key"),
    [
        ("h264", "65b8", True),  # a slice of a key frame
        ("h264", "67aa", True),  # parameters
        ("h264", "18000567aa", True),  # the same in an aggregate
        ("h264", "7c85", True),  # the first fragment of a slice
        ("h264", "61b8", False),
        ("h264", "7c81", False),
        ("h264", "", False),
        ("vp8", "1010", True),
        ("vp8", "1011", False),
        ("vp8", "0010", False),  # not the beginning
        ("vp8", "9080ff0110", True),  # behind a long picture id
        ("vp8", "9080010110", False),  # behind a short one: 01
        ("vp8", "90f001020310", True),  # with everything
        ("vp8", "90", False),
    ],
)
def test_the_beginning_of_a_key_frame_is_known(codec: str, payload: str, is_key: bool) -> None:
    assert rtp.begins_key_frame(codec, bytes.fromhex(payload)) is is_key


def test_a_frame_is_not_whole_without_any_of_its_packets() -> None:
    for lost in range(PACKETS):
        packets = frames(10)
        del packets[5 * PACKETS + lost]
        without = 2 if lost == PACKETS - 1 else 1  # with its marker the next frame's beginning is lost, too
        assert counted(packets).whole == 10 - without


def test_late_packets_complete_their_frames_markers_included() -> None:
    for seed in range(50):
        packets = frames(60, first=65500)
        shuffled = packets[:8]
        for begin in range(8, len(packets), 8):
            part = packets[begin : begin + 8]
            random.Random(seed + begin).shuffle(part)
            shuffled += part
        counter = counted(shuffled)
        assert (counter.whole, counter.received, counter.expected) == (60, 240, 240)


def test_a_packet_that_comes_twice_counts_once() -> None:
    packets = frames(5)
    counter = counted([*packets[:10], packets[8], *packets[10:]])
    assert (counter.whole, counter.received) == (5, 20)


def test_a_far_jump_is_a_new_beginning() -> None:
    counter = counted([*frames(3), *frames(3, first=20_000)])
    assert counter.whole == 6
    assert counter.expected == counter.received == 12


def test_a_process_is_read_whatever_its_name() -> None:
    words = "S 7 42 42 0 -1 4194304 1 2 3 4 100 20 3 4 20 0 1 0 98765 1000 200"
    stat = processes.parse_stat(f"42 (a) b (c)) {words}\n")
    assert stat == processes.Stat(pid=42, parent=7, state="S", used=127, began=98765)


def test_the_memory_and_the_load_of_the_machine_are_read() -> None:
    assert processes.parse_pss("00400000-7fff rollup\nRss: 900 kB\nPss: 512 kB\nPss_Anon: 1 kB\n") == 512
    assert processes.parse_pss("") == 0
    assert processes.parse_busy("cpu  10 2 30 400 50 6 7 8 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n") == 55


def test_a_tree_is_a_process_and_all_below_it() -> None:
    assert sorted(processes.descendants(2, {2: 1, 3: 2, 4: 3, 5: 2, 6: 1})) == [2, 3, 4, 5]


def test_we_are_in_a_tree_of_our_own_and_use_time_and_memory() -> None:
    tree = Tree(os.getpid())
    assert os.getpid() in {stat.pid for stat in tree.stats()}
    assert tree.cpu() > 0
    assert tree.memory() > 1


async def test_a_tree_ends_with_all_that_is_in_it() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    async with python("-c", code, stdin=-1) as parent:
        assert await parent.line() == "1"
        members = Tree(parent.running.pid).stats()
        assert len(members) == 2
        Tree(parent.running.pid).end()
        assert not [stat for stat in members if _runs(stat.pid)]
        await parent.running.wait()


def _runs(pid: int) -> bool:
    try:
        return processes.parse_stat(Path(f"/proc/{pid}/stat").read_text()).state not in "ZX"
    except OSError:  # it is off the list
        return False


def test_the_ratio_is_that_of_runs_side_by_side() -> None:
    ours = [cell("exeunt", 0.2, run=0), cell("exeunt", 0.4, run=1), cell("exeunt", 9.0, run=2)]
    theirs = [cell("gstreamer", 0.4, run=0), cell("gstreamer", 0.4, run=1), cell("gstreamer", 0.0, run=2, error="no")]
    assert figures.ratio(ours, theirs) == pytest.approx(0.75)
    assert figures.ratio(ours, []) is None


def test_rows_are_medians_and_say_whether_every_frame_came() -> None:
    cells = [cell("exeunt", 0.2, run=0), cell("exeunt", 0.4, run=1, worst=28.0), cell("aiortc", 1.0, error="none came")]
    ours, theirs = figures.summary(cells, fps=30)
    assert (ours.cpu, ours.runs, ours.full, ours.ratio) == (pytest.approx(0.3), 2, False, None)
    assert (theirs.runs, theirs.error, theirs.ratio) == (0, "none came", None)


def test_a_percentile_is_a_value_that_was_there() -> None:
    assert figures.percentile(range(101), 0.95) == 95
    assert figures.percentile([3.0], 0.95) == 3.0
    assert math.isnan(figures.percentile([], 0.5))


def test_a_picture_stands_still_where_the_next_is_long_in_coming() -> None:
    assert figures.frozen([0.1, 0.2, 0.3], 0.0, 0.4, 0.1) == 0
    assert figures.frozen([0.1, 0.2], 0.0, 1.2, 0.1) == pytest.approx(0.9)  # also at the end
    assert figures.frozen([], 0.0, 2.0, 0.0) == pytest.approx(2.0)


def test_a_delay_is_right_where_the_time_code_begins_anew() -> None:
    assert figures.delay(2**32 + 5, 2**32 - 10) == 15
    assert figures.delay(100.0, 120) == -20


def test_the_footage_is_a_film_with_noise_and_a_tone(tmp_path: Path) -> None:
    files = footage.write(tmp_path, frames=3, size=(320, 180))
    with av.open(str(files.video)) as film:
        pictures = [frame.to_ndarray() for frame in film.decode(video=0)]
        assert film.streams.video[0].average_rate == footage.FPS
    assert [picture.shape for picture in pictures] == [(270, 320)] * 3
    assert abs(pictures[0][60:180].astype(int) - pictures[1][60:180]).mean() > 1
    assert [timecode.read(picture[:180]) for picture in pictures] == [0, 33, 66]
    with wave.open(str(files.audio)) as sound:
        assert (sound.getframerate(), sound.getnchannels()) == (48_000, 2)


def test_the_options_are_checked() -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    publish.add_options(parser)
    asked = parser.parse_args(["--viewers", "1,64", "--against", "gstreamer", "--latency", "--loss", "20"])
    assert (asked.viewers, asked.against, asked.latency, asked.loss) == ((1, 64), ("gstreamer",), 10.0, 20.0)
    assert parser.parse_args(["--viewers", "none", "--against", "none"]).viewers == ()
    for wrong in (["--viewers", "0"], ["--against", "skype"]):
        with pytest.raises(argparse.ArgumentError):
            parser.parse_args(wrong)


async def test_a_short_run_gives_figures_of_a_publisher_and_of_the_floor() -> None:
    surroundings = {**os.environ, "EXEUNT_TEST_NETWORK": "host"}  # of the tests: we are in a namespace already
    async with python("-m", "bench", *SMOKE, environment=surroundings) as bench:
        status, printed = await bench.end()
    lines = [json.loads(line) for line in printed.splitlines()]
    cost = {line["publisher"]: line for line in lines if line["what"] == "cost"}
    assert status == 0
    assert set(cost) == {"exeunt", "floor"}
    assert not cost["exeunt"]["error"]
    assert cost["exeunt"]["frames"] > 3
    assert cost["exeunt"]["start"] > 0
    assert cost["floor"]["cpu"] > 0
    assert [line["publisher"] for line in lines if line["what"] == "summary"] == ["exeunt", "floor"]
