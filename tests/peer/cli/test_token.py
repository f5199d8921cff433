"""`exeunt token` and `exeunt serve --key-file`: whoever has the key lets others in, for a while and for something."""

import os
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from peer import Peer, Refused, UsageError
from peer.cli.app import run
from peer.cli.token import keys_in, parse_time
from signaling.keys import Key
from signaling.tokens import DEFAULT_GRANTS, verify
from tests.command import exeunt

SECRET = "a secret of thirty-two letters, yes"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    key = Ed25519PrivateKey.generate()
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["token", *arguments]) == 0
    return capsys.readouterr().out.strip()


def test_a_token_is_for_one_user_of_one_room_and_an_hour(capsys: pytest.CaptureFixture[str], secret: Path) -> None:
    token = printed(capsys, "lobby", "ana", "--key-file", str(secret))
    admission = verify(token, SECRET, None, None, time.time())
    assert (admission.room, admission.user, admission.grants) == ("lobby", "ana", DEFAULT_GRANTS)
    assert admission.expires is not None
    assert 3590 < admission.expires - time.time() < 3610


def test_a_token_says_what_it_is_asked_to_say(capsys: pytest.CaptureFixture[str], pair: tuple[Path, Path]) -> None:
    private, public = pair
    how = ("--key-file", str(private), "--kid", "2026", "--grant", "publish", "--grant", "admin", "--expires", "never")
    token = printed(capsys, "team-*", "*", *how)
    admission = verify(token, Key(public.read_text(), "2026"), "team-7", "ben", time.time())
    assert (admission.expires, admission.grants) == (None, {"publish", "admin"})


def test_a_short_secret_is_said_to_be_short(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["token", "lobby", "ana", "--key", "sixteen letters!"]) == 0
    assert "at least 32 bytes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lobby", "ana"), "give --key-file"),
        (("lobby", "ana", "--key-file", "/nonexistent"), "cannot be read"),
        (("lobby", "ana", "--key-file", "{public}"), "signs nothing"),
        (("lobby", "ana", "--key-file", "{noise}"), "holds no text"),
        (("lobby", "ana", "--key", "short"), "at least 16"),
        (("lobby", "ana", "--key", SECRET, "--kid", "two words"), "id is"),
        (("lobby", "ana", "--key", SECRET, "--grant", "fly"), "no grant 'fly'"),
        (("lobby", "ana", "--key", SECRET, "--expires", "soon"), "no time"),
        (("api", "ana", "--key", SECRET), "no room"),
        (("lobby", "a na", "--key", SECRET), "no name"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, pair: tuple[Path, Path], arguments: tuple[str, ...], said: str
) -> None:
    noise = tmp_path / "noise"
    noise.write_bytes(b"\xff\xfe")
    assert run(["token", *(word.format(public=pair[1], noise=noise) for word in arguments)]) == 2
    heard = capsys.readouterr()
    assert (heard.out, heard.err.count("\n")) == ("", 1)
    assert said in heard.err


def test_a_time_has_a_unit() -> None:
    assert [parse_time(text) for text in ("90s", "15m", "1.5h", "30d", "never")] == [90, 900, 5400, 2_592_000, None]
    for wrong in ("", "0s", "10", "-1h", "1y"):
        with pytest.raises(UsageError, match="no time"):
            parse_time(wrong)


def test_keys_of_a_server_have_ids_if_they_are_given_any(secret: Path, pair: tuple[Path, Path]) -> None:
    assert keys_in(None) == ()
    keys = keys_in([str(secret), f"2026={pair[1]}"])
    assert [(key.id, key.algorithm) for key in keys] == [(None, "HS256"), ("2026", "EdDSA")]


async def test_a_server_lets_in_whom_either_of_its_keys_lets_in(
    capsys: pytest.CaptureFixture[str], secret: Path, pair: tuple[Path, Path]
) -> None:
    tokens = [
        printed(capsys, "lobby", "ana", "--key-file", str(secret), "--kid", "old"),
        printed(capsys, "lobby", "ana", "--key-file", str(pair[0]), "--kid", "new"),
    ]
    keys = ("--key-file", f"old={secret}", "--key-file", f"new={pair[1]}")
    surroundings = {name: word for name, word in os.environ.items() if name != "EXEUNT_KEY"}
    async with exeunt("serve", "--port", "0", "--json", *keys, environment=surroundings) as server:
        url = str((await server.until("join"))["text"])
        for token in tokens:
            async with Peer(url, room="lobby", user="ana", token=token) as ana:
                assert ana.grants == DEFAULT_GRANTS
        with pytest.raises(Refused, match="without a token"):
            async with Peer(url, room="lobby", user="ana"):
                pass
