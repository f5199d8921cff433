"""What fails is tried less and less often, and what has held for a while soon again."""

from peer.topology.janus.breaks import Breaks


def test_breaks_double_up_to_the_longest() -> None:
    breaks = Breaks(0.5, 3.0)
    assert [breaks.after(0) for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_after_what_has_held_for_long_they_begin_anew() -> None:
    breaks = Breaks(0.5, 3.0)
    assert [breaks.after(0), breaks.after(2.9), breaks.after(3.0), breaks.after(0)] == [0.5, 1.0, 0.5, 1.0]
