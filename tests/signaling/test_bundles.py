"""What goes to Redis as one step: only what follows directly on each other, and nothing is lost or told sooner."""

from signaling.bus.bundles import as_one, bundled
from signaling.cluster.acts import Claim, Commit, Post
from signaling.cluster.wire import Bye, Deliver, Drop


def deliver(seq: int, room: str = "42") -> Deliver:
    return Deliver(room=room, seq=seq, sessions=("s1",), text=b"hello")


def commit(number: int, *nodes: str, room: str = "42", epoch: int = 7, **more: object) -> Commit:
    frames = {node: [deliver(number)] for node in nodes}
    return Commit(room=room, epoch=epoch, number=number, seq=number, frames=frames, **more)  # type: ignore[arg-type] # a test names them


def test_commits_that_only_send_are_one_step_with_what_they_follow() -> None:
    first, second, third = commit(1, "a", put={"s1": b"{}"}), commit(2, "a", "b"), commit(3, "b")
    assert bundled([first, second, third]) == [[first, second, third]]
    assert as_one([first, second, third]) == Commit(
        room="42",
        epoch=7,
        number=3,
        seq=3,
        put={"s1": b"{}"},
        frames={"a": [deliver(1), deliver(2)], "b": [deliver(2), deliver(3)]},
    )
    assert first.frames == {"a": [deliver(1)]}  # which is sent anew by itself, should it be refused


def test_what_is_written_later_is_a_step_of_its_own() -> None:
    for later in (
        commit(2, put={"s1": b"{}"}),
        commit(2, cut=("s1",)),
        commit(2, about=b"{}"),
        commit(2, bans={"user ana": 1.0}),
        commit(2, unheard=(b"{}",)),
        commit(2, is_last=True),
        commit(2, room="43"),
        commit(2, epoch=8),
    ):
        assert len(bundled([commit(1, "a"), later])) == 2
    assert len(bundled([commit(1, is_last=True), commit(2, "a")])) == 2


def test_what_is_said_to_one_node_in_a_row_is_one_parcel() -> None:
    posts = [
        Post("a", (Bye(),)),
        Post("a", (Drop(session="s1", connection="s1"),)),
        Post("b", (Bye(),)),
        Post("a", (Bye(),)),
    ]
    bundles = bundled(posts)
    assert [len(bundle) for bundle in bundles] == [2, 1, 1]
    assert as_one(bundles[0]) == Post("a", (Bye(), Drop(session="s1", connection="s1")))
    assert as_one(bundles[1]) == posts[2]


def test_claims_are_never_put_together() -> None:
    acts = [Claim("42"), Claim("42"), Post("a", (Bye(),)), Claim("42"), commit(1, "a")]
    assert [len(bundle) for bundle in bundled(acts)] == [1] * 5
