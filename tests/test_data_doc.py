"""`docs/data.md` says what the code does."""

import re
from pathlib import Path
from typing import get_args

from peer import errors
from peer.conversation.conversation import BUFFER, Path as Way
from peer.conversation.conversations import SEND_LIMIT, SETTLE_LIMIT, SHORT_SETTLE_LIMIT
from peer.conversation.letter import MAX_LOSSY, MAX_RELIABLE, PIECE
from peer.conversation.responding import MOST_AT_A_TIME
from peer.conversation.window import KEPT_BYTES, KEPT_LETTERS
from peer.dispatch import MOST_MESSAGES
from signaling.messages import MAX_CONTENT

ROOT = Path(__file__).parents[1]
DOC = (ROOT / "docs" / "data.md").read_text()


def test_the_limits_on_the_page_are_those_of_the_code_and_of_the_page_that_speaks_the_same() -> None:
    assert f"{MAX_RELIABLE // 1024} KiB, in pieces of {PIECE // 1024} KiB" in DOC
    assert f"{MAX_LOSSY} bytes: one packet" in DOC
    assert f"{MAX_CONTENT // 1024} KiB of JSON" in DOC
    assert f"{KEPT_LETTERS} messages and {KEPT_BYTES // 1024**2} MiB" in DOC
    assert f"for {SEND_LIMIT:g} s at most" in DOC
    assert f"has {SETTLE_LIMIT:g} s to be taken" in DOC
    assert f"({SHORT_SETTLE_LIMIT:g} s with" in DOC
    assert f"at most {BUFFER // 1024} KiB of other messages" in DOC
    assert f"At most {MOST_AT_A_TIME} requests" in DOC
    assert f"{MOST_MESSAGES} messages, then the oldest" in DOC
    said = {name: (ROOT / "signaling" / "web" / name).read_text() for name in ("letter.js", "window.js", "talker.js")}
    assert "MAX_RELIABLE = 256 * 1024" in said["letter.js"]
    assert "MAX_LOSSY = 1_000" in said["letter.js"]
    assert f"KEPT_LETTERS = {KEPT_LETTERS}" in said["window.js"]
    assert f"SEND_LIMIT = {SEND_LIMIT:.0f}_000" in said["talker.js"]
    assert f"SETTLE_LIMIT = {SETTLE_LIMIT * 1000:.0f}" in said["talker.js"]


def test_every_path_and_every_error_is_explained() -> None:
    first = {cell for line in DOC.splitlines() for cell in re.findall(r"^\| `(\w+)` \|", line)}
    raised = {one.__name__ for one in errors.MessageError.__subclasses__()}
    assert first == {*get_args(Way), *raised}
