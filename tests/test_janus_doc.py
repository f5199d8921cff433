"""What `docs/janus.md` says of the peer is what the code does."""

from pathlib import Path

from peer.conversation.letter import MAX_RELIABLE
from peer.conversation.post import LOSSY_RATE
from peer.topology.janus import doubts, downlink, room, uplink
from peer.topology.janus.line import VIEWER
from signaling.janus.line import CLOSE_LIMIT
from signaling.janus.session import DESTROY_LIMIT

DOC = " ".join((Path(__file__).parents[1] / "docs" / "janus.md").read_text().split())


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    assert f"ended {uplink.LINGER:g} s after the last was unpublished" in DOC
    assert f"it is one viewer, `{VIEWER}`" in DOC
    assert f"also of {MAX_RELIABLE // 1024} KiB, in pieces" in DOC
    assert f"{LOSSY_RATE:g} of those a second" in DOC
    for link in (uplink, downlink):
        assert f"made anew after {link.RETRY_MIN:g} s, then after breaks that double up to {link.RETRY_MAX:g} s" in DOC
    assert f"after breaks of up to {room.RETRY_MAX:g} s" in DOC
    assert f"do not come for {doubts.SILENT_LIMIT:g} s after it" in DOC
    assert DESTROY_LIMIT == CLOSE_LIMIT
    assert f"waited for {CLOSE_LIMIT:g} s, and as long for its WebSocket" in DOC
