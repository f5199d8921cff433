"""Where in one picture everybody's is."""

import pytest
from hypothesis import given, settings, strategies as st

from peer.recording.grid import Box, cells, fit


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, [Box(0, 0, 1280, 720)]),
        (2, [Box(0, 0, 640, 720), Box(640, 0, 640, 720)]),
        (3, [Box(0, 0, 640, 360), Box(640, 0, 640, 360), Box(320, 360, 640, 360)]),
        (4, [Box(0, 0, 640, 360), Box(640, 0, 640, 360), Box(0, 360, 640, 360), Box(640, 360, 640, 360)]),
    ],
)
def test_few_share_a_picture_as_anybody_would_draw_it(count: int, expected: list[Box]) -> None:
    assert cells(count, 1280, 720) == expected


@settings(deadline=None)  # a busy machine takes its time
@given(st.integers(1, 100))
def test_cells_are_inside_even_and_do_not_overlap(count: int) -> None:
    found = cells(count, 1280, 720)
    assert len(set(found)) == len(found) == count
    for number, box in enumerate(found):
        assert all(value % 2 == 0 for value in (box.left, box.top, box.width, box.height))
        assert 0 <= box.left <= box.left + box.width <= 1280
        assert 0 <= box.top <= box.top + box.height <= 720
        for other in found[:number]:
            assert other.left + other.width <= box.left or other.top + other.height <= box.top


@settings(deadline=None)  # a busy machine takes its time
@given(st.integers(2, 4000), st.integers(2, 4000))
def test_a_picture_keeps_its_shape_and_stays_in_its_cell(width: int, height: int) -> None:
    cell = Box(640, 360, 640, 360)
    box = fit(width, height, cell)
    assert cell.left <= box.left <= box.left + box.width <= cell.left + cell.width
    assert cell.top <= box.top <= box.top + box.height <= cell.top + cell.height
    assert box.width >= 636 or box.height >= 356
    assert all(value % 2 == 0 for value in (box.left, box.top, box.width, box.height))
