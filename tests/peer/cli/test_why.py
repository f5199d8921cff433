"""`exeunt why` on journals that a server wrote while real peers came and went, and on journals in a bad way."""

import asyncio
import json
import re
import signal
from pathlib import Path

import pytest

from peer.cli.app import run
from peer.cli.why import check_journal
from peer.errors import UsageError
from peer.events import ExitReport, ExitRoom
from signaling.entry import Entry, decode_entry, encode_entry
from signaling.journal import Journal
from signaling.reasons import Reason
from tests.command import Command, exeunt
from tests.peer.cli.lines import about, by_server

LIMIT = 30.0  # seconds
TIME = r"\d\d:\d\d:\d\d"


def write(path: Path, *lines: Entry, rest: bytes = b"") -> Path:
    """Write a journal as a server or a peer would have."""
    text = b"".join(
        encode_entry(line.mono, line.wall, line.who, line.event, {name: getattr(line, name) for name in FACTS})
        for line in lines
    )
    path.write_bytes(text + rest)
    return path


FACTS = [name for name in Entry.__struct_fields__ if name not in ("mono", "wall", "who", "event")]
JOINED = about("ana", "1", "joined", 0)
KICKED = about("ana", "1", "exited", 3, reason=Reason.KICKED, detected_by="admin")


def why(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    """Run `exeunt why`; return its lines."""
    assert run(["why", *map(str, arguments)]) == 0
    return capsys.readouterr().out.splitlines()


def complaint(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run `exeunt why`, which fails; return its one line."""
    assert run(["why", *map(str, arguments)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


async def until_written(path: Path, event: str, user: str) -> Entry:
    """Wait for a line of the server."""
    async with asyncio.timeout(LIMIT):
        while True:
            for line in map(decode_entry, path.read_bytes().splitlines()):
                if line is not None and line.is_by_server and (line.event, line.user) == (event, user):
                    return line
            await asyncio.sleep(0.02)


async def test_of_real_processes_it_says_how_each_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = tmp_path / "journal"
    async with exeunt("serve", "--port", "0", "--grace", "0.5", "--journal", str(journal), "--json") as server:
        url = str((await server.until("join"))["text"])

        async def enter(command: Command) -> None:
            await command.until("sends")

        def publishing(user: str) -> tuple[str, ...]:
            return ("publish", url, "lobby", "--user", user, "--test", "--size", "160x90", "--fps", "5", "--json")

        async with (
            exeunt(*publishing("ana")) as ana,
            exeunt(*publishing("bo")) as bo,
            exeunt(*publishing("cy")) as cy,
        ):
            await asyncio.gather(*map(enter, (ana, bo, cy)))
            async with exeunt("kick", url, "lobby", "ana", "--text", "too loud") as kick:
                assert (await kick.end())[0] == 0
            assert (await ana.exited())["reason"] == "kicked"
            bo.signal(signal.SIGKILL)
            decided = await until_written(journal, "exited", "bo")
            (still_in, *_) = why(capsys, journal, "cy")
            cy.signal(signal.SIGINT)
            assert (await cy.exited())["reason"] == "left"
        server.signal(signal.SIGTERM)
        assert (await server.end())[0] == 0

    (of_ana, *lines) = why(capsys, journal, "ana", "--room", "lobby")
    assert re.match(rf'ana left lobby at {TIME} because an administrator kicked ana: "too loud"\. ', of_ana)
    assert re.search(r"The server told 2 others \d+(\.\d+)? ms later", of_ana)
    assert [line.split()[2] for line in lines if re.match(TIME, line)][:3] == ["kickAsked", "remoteUserLeave", "exited"]

    (of_bo, *_) = why(capsys, journal, "bo")
    died = "the process died" if decided.reason is Reason.CRASHED else "the network was lost"
    assert re.match(rf"bo left lobby at {TIME} because {died}\. bo", of_bo)

    assert re.match(rf"cy is still in lobby, since {TIME}, as far as the journal goes: to {TIME}\.", still_in)
    (of_cy, *_) = why(capsys, journal, "cy")
    assert re.match(rf"cy left lobby at {TIME} because cy said goodbye\. Nobody else was there to be told\.$", of_cy)


async def test_who_was_inside_when_the_server_was_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = tmp_path / "journal"
    serve = ("serve", "--port", "0", "--journal", str(journal), "--json")
    async with exeunt(*serve) as server:
        url = str((await server.until("join"))["text"])
        async with exeunt("publish", url, "lobby", "--user", "ana", "--test", "--json") as ana:
            await ana.until("sends")
            server.signal(signal.SIGKILL)
            await server.end()
            async with exeunt(*serve) as again:
                await again.until("join")
            (sentence, *_) = why(capsys, journal, "ana")
    assert re.match(rf"ana was in lobby since {TIME} when the server ended without a word, some time after", sentence)


def test_a_servers_and_a_peers_journal_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    servers, peers = tmp_path / "server", tmp_path / "ana"
    with Journal.open(servers, who="server") as server, Journal.open(peers, who="peer lobby/ana") as ana:
        server.write("joined", session="1", room="lobby", user="ana")
        ana.session = "1"
        server.write("kickAsked", session="1", room="lobby", user="ana", by="ben")
        server.write("exited", session="1", room="lobby", user="ana", reason=Reason.KICKED)
        ana.write("leaving", reason=Reason.KICKED)
        ana.write("released", device="/dev/video0", outcome="verified", took=0.012)
        ana.tell(ExitRoom(reason=Reason.KICKED, report=ExitReport(reason=Reason.KICKED, total=0.031)))
    (sentence, *lines) = why(capsys, peers, servers, "ana")
    assert "because a moderator (ben) kicked ana." in sentence
    assert sentence.endswith("/dev/video0 was verified free after 12 ms; ana was out after 31 ms.")
    assert [line.split()[1:3] for line in lines if "peer" in line] == [["peer", "lobby/ana"]] * 2


def test_in_eighty_columns_nothing_is_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "x" * 64
    lines = [
        about(name, "1", "kickAsked", 3, by="y" * 64, text="[bold]z[/] " * 30),
        about(name, "1", "remoteUserLeave", 3, reason=Reason.KICKED, text="[bold]z[/] " * 30),
    ]
    sentence, *table = why(capsys, write(tmp_path / "journal", *lines), name)
    assert '"[bold]z[/] [bold]z' in sentence
    assert max(map(len, table)) <= 80
    assert "".join(table).count("[bold]z[/]") >= 40
    assert "y" * 64 in re.sub(r"\s", "", "".join(table))


def test_the_last_stay_or_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = [about("ana", "2", "joined", 5, room="attic"), about("ana", "2", "exited", 6, room="attic", reason="left")]
    path = write(tmp_path / "journal", JOINED, KICKED, *again)
    last, *rest = why(capsys, path, "ana")
    assert last.startswith("ana left attic")
    assert rest[-1].split() == ["before", *["ana", "was", "here", "once", "before:", "--all", "shows", "each", "stay"]]
    assert [line for line in why(capsys, path, "ana", "--all") if line.startswith("ana left")] == [
        line for line in (*why(capsys, path, "ana", "--room", "lobby"), last) if line.startswith("ana left")
    ]
    third = about("ana", "3", "joined", 7)
    assert "2 times before" in why(capsys, write(path, JOINED, KICKED, *again, third), "ana")[-1]


def test_damaged_lines_are_skipped_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "journal", JOINED, KICKED, rest=b'{"mono":1.0,"wal')
    first, *_, note = why(capsys, path, "ana")
    assert first.startswith("ana left lobby")
    assert note.split() == ["damaged", "1", "line", "cannot", "be", "read"]
    assert "2 lines cannot be read" in why(capsys, write(path, KICKED, rest=b"x\ny"), "ana")[-1]


def test_json_is_one_object_for_each_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "journal", JOINED, KICKED, about("ana", "2", "joined", 5), rest=b"x")
    kicked, again, damaged = map(json.loads, why(capsys, path, "ana", "--all", "--json"))
    assert (kicked["type"], kicked["user"], kicked["room"], kicked["session"]) == ("why", "ana", "lobby", "1")
    assert (kicked["reason"], kicked["detectedBy"], kicked["at"]) == ("kicked", "admin", KICKED.wall)
    assert [line["event"] for line in kicked["evidence"]] == ["exited"]
    assert (again["reason"], again["at"]) == (None, None)
    assert damaged["type"] == "damaged"


def test_an_unknown_user_is_told_who_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "journal", JOINED, about("bo", "2", "joined", 1), by_server("serverStopping", 2))
    assert complaint(capsys, path, "eva") == "exeunt: the journal knows no eva: it knows ana, bo"
    assert complaint(capsys, path, "ana", "--room", "attic") == (
        "exeunt: the journal knows no ana in attic: it knows ana, bo"
    )
    assert complaint(capsys, write(path), "eva") == "exeunt: the journal knows no eva: it knows nobody"


def test_a_journal_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No such file" in complaint(capsys, tmp_path / "nothing", "ana")
    assert "Is a directory" in complaint(capsys, tmp_path, "ana")


@pytest.mark.parametrize("command", [["serve"], ["demo"], ["publish", "ws://127.0.0.1:1/ws", "lobby", "--test"]])
def test_a_journal_that_cannot_be_written_is_said_at_the_start(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "missing" / "journal"
    assert run([*command, "--journal", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"exeunt: cannot write a journal to {path}: No such file or directory"


def test_a_journal_that_can_be_written_is_no_mistake(tmp_path: Path) -> None:
    check_journal(None)
    check_journal(tmp_path / "journal")
    with pytest.raises(UsageError):
        check_journal(tmp_path)


async def test_the_journals_of_a_server_and_a_peer_together_say_what_became_of_the_devices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = tmp_path / "server", tmp_path / "ana"
    async with exeunt("serve", "--port", "0", "--journal", str(ours), "--json") as server:
        url = str((await server.until("join"))["text"])
        publish = ("publish", url, "lobby", "--user", "ana", "--test", "--size", "160x90", "--fps", "5", "--json")
        async with exeunt(*publish, "--journal", str(theirs)) as ana:
            await ana.until("sends")
            ana.signal()
            await ana.exited()
    (first, *rest) = why(capsys, ours, theirs, "ana")
    sentence = " ".join(line.strip() for line in [first, *rest[: rest.index("")]]) if "" in rest else first
    assert re.match(rf"ana left lobby at {TIME} because", sentence)
    assert "test pattern was verified free" in sentence
    assert "was out after" in sentence
    events = [line["event"] for line in map(json.loads, theirs.read_text().splitlines())]
    assert [event for event in events if event in ("enterRoom", "leaving", "released", "exitRoom")] == [
        "enterRoom",
        "leaving",
        "released",
        "exitRoom",
    ]
