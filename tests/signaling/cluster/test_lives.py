"""Random lives of a cluster, from seeds: users come and go while nodes die, stop, are cut off and start.

`EXEUNT_SEEDS=1000:2000` runs others than the usual ones, `EXEUNT_STEPS=1500` long ones, in which hundreds of faults
overlap. What fails is shortened before it is shown: such a list of moves is a test below.
"""

import os
import random

import pytest

from tests.signaling.cluster.chances import born, check, live
from tests.signaling.cluster.moves import do, shrink

STEPS = int(os.environ.get("EXEUNT_STEPS", "150"))
FIRST, LAST = map(int, os.environ.get("EXEUNT_SEEDS", "0:300").split(":"))


def verdict(moves: list[str]) -> str | None:
    """Live a life, and return what is not as it should be in the end."""
    world = born()
    try:
        for move in moves:
            do(world, move)
        world.heal()
        check(world)
    except AssertionError as error:
        return str(error) or "something is left"
    return None


@pytest.mark.parametrize("seed", range(FIRST, LAST, 50))
def test_in_the_end_every_roster_is_the_truth_and_each_leave_was_told_once(seed: int) -> None:
    for one in range(seed, min(seed + 50, LAST)):
        moves: list[str] = []
        try:
            check(live(random.Random(one), STEPS, moves))
        except AssertionError as error:
            raise AssertionError(f"seed {one}: {error}: {shrink(moves, lambda m: verdict(m) is not None)}") from None


def test_a_life_that_fails_is_shortened_to_what_makes_it_fail() -> None:
    moves = [f"pass {number}" for number in range(20)]
    assert shrink(moves, lambda some: {"pass 3", "pass 17"} <= set(some)) == ["pass 3", "pass 17"]


@pytest.mark.parametrize(
    "life",
    [
        pytest.param(
            "enter u0 42 n1, empty, stop n1, enter u3 42 n0, pass 0.1, pass 1.0, pass 1.0, pass 0.5, go_on n1, rest",
            id="a node that others count as dead before it has met the new Redis says again whom it has",
        ),
        pytest.param(
            "enter u0 43 n0, empty, enter u2 43 n2, rest, pass 1.0, work n2, cut n0, pass 1.0, pass 1.0, pass 1.0",
            id="an edge that was cut off soon after Redis was emptied says again whom it has",
        ),
        pytest.param(
            "enter u3 43 n2, stop n1, rest, cut n2, empty, pass 0.1, pass 1.0, enter u5 43 n0, pass 1.0, carry u5/1,"
            "pass 1.0",
            id="a room that was claimed in an emptied Redis is that of its former owner",
        ),
        pytest.param(
            "start, enter u2 43 n2, stop n0, rest, empty, enter u7 43 n3, rest",
            id="who was let in again is written down although the owner was asked once more in between",
        ),
        pytest.param(
            "enter u1 42 n0, rest, drop u1, stop n0, pass 1.0, pass 1.0, pass 1.0, rest, empty",
            id="of two nodes that have a session the one with the later socket has it",
        ),
        pytest.param(
            "enter u0 42 n2, enter u1 42 n1, enter u2 42 n1, kill n1, pass 1.0, carry u1/2, work n2, stop n2,"
            "carry u2/2, work n0, pass 1.0, drop u2, pass 1.0, pass 1.0, rest",
            id="a node that was stopped for long passes on nothing outdated to a new owner",
        ),
        pytest.param(
            "start, kill n3, enter u1 43 n2, start, start, enter u2 42 n2, enter u3 43 n5, stop n1, kill n5, start,"
            "kill n6, kill n4, start, pass 1.0, enter u22 43 n7, rest, part u22, carry u22/1, stop n7, pass 1.0,"
            "pass 1.0, pass 0.5",
            id="who leaves at a node that was taken for dead hears so when that is back",
        ),
        pytest.param(
            "enter u13 42 n1, rest, stop n1, start, pass 1.0, pass 1.0, pass 0.5, enter u22 42 n3, pass 0.5, rest,"
            "kill n3",
            id="that somebody was found missing is written although nobody could be told of it",
        ),
        pytest.param(
            "start, start, enter u3 43 n4, enter u4 43 n4, carry u4/1, work n4, stop n4, pass 0.5, pass 0.5,"
            "enter u9 43 n3, drop u4, enter u10 42 n3, pass 0.5, pass 0.5, pass 0.5, carry u10/1, carry u9/1,"
            "work n3, drop u3, pass 0.5, rest, kill n3, empty",
            id="an outdated copy of a room does not count",
        ),
        pytest.param(
            "enter u0 43 n1, enter u3 43 n2, rest, stop n1, pass 1.0, pass 1.0, pass 0.5, pass 0.5, empty, rest,"
            "empty, kill n2",
            id="who left is not in again by the copy of a node that was away for long",
        ),
        pytest.param(
            "enter u0 42 n0, start, stop n1, empty, enter u10 42 n3, pass 0.5, pass 1.0, pass 1.0, rest,"
            "pass 1.0, kill n3, empty, rest",
            id="who was never found has no socket in the room that is known anew",
        ),
        pytest.param(
            "start, start, start, enter u22 42 n5, empty, enter u24 42 n0, pass 0.1, pass 1.0, carry u22/1,"
            "rest, pass 1.0, empty, stop n0, rest, kill n0",
            id="who is replaced while nobody knows where they are has no socket",
        ),
        pytest.param(
            "start, start, pass 0.1, stop n0, pass 1.0, enter u16 42 n3, pass 1.0, stop n4, rest, pass 0.5,"
            "pass 0.5, cut n3, pass 1.0, pass 1.0, go_on n0, pass 0.5, enter u21 42 n0, pass 0.5, rest,"
            "pass 1.0, start, enter u22 42 n5, go_on n4, enter u23 42 n0, pass 0.5, pass 1.0, empty, rest,"
            "pass 1.0, pass 1.0, rest, empty, cut n0, go_on n3, pass 1.0, rest",
            id="a former owner that was cut off waits for those who know the room later",
        ),
        pytest.param(
            "enter u0 43 n2, kill n2, enter u1 43 n1, stop n1, enter u2 42 n0, start, enter u9 43 n0, start,"
            "enter u10 43 n0, start, cut n0, enter u11 42 n4, enter u12 43 n5, kill n5, start, drop u9,"
            "pass 1.0, carry u9/2, pass 0.5, pass 0.5, pass 1.0, stop n6, kill n0, pass 0.1, carry u10/2, start,"
            "stop n3, enter u21 43 n7, rest, cut n4, pass 0.5, pass 0.5, pass 1.0, leave u21, pass 1.0,"
            "go_on n4, pass 0.1, rest, empty, stop n7, pass 0.1, pass 1.0, pass 1.0",
            id="a node that was cut off has a whole copy when it is back",
        ),
        pytest.param(
            "start, start, enter u7 42 n4, enter u14 42 n1, rest, part u14, carry u14/1, cut n1, pass 1.0,"
            "pass 0.5, pass 0.5, pass 1.0, rest",
            id="who waits for acknowledgements has no socket in a room that went elsewhere",
        ),
        pytest.param(
            "start, start, enter u2 42 n3, start, enter u3 42 n5, rest, part u3, carry u3/1, end n5",
            id="who waits for acknowledgements dies with their node",
        ),
        pytest.param(
            "stop n0, enter u3 43 n1, end n1, start, enter u8 42 n3, end n2, empty, carry u8/1, enter u10 43 n3,"
            "pass 0.1, carry u10/1, pass 0.5, start, enter u11 43 n4, rest, pass 0.5, pass 1.0, end n4,"
            "pass 1.0, work n3, pass 1.0",
            id="what a former owner said late is read before the next one says anything",
        ),
        pytest.param(
            "start, pass 1.0, enter u1 42 n3, empty, kill n1, enter u2 42 n3, drop u1, pass 1.0, rest, pass 1.0,"
            "start, enter u3 42 n4, carry u3/1, pass 1.0, pass 1.0, empty, rest",
            id="a new node does not claim a room again and again",
        ),
        pytest.param(
            "empty, start, enter u0 42 n0, end n3, enter u1 42 n1, enter u2 43 n1, start, enter u3 42 n2,"
            "enter u4 43 n1, enter u5 43 n4, kill n2, stop n4, start, enter u8 43 n1, enter u9 42 n5, kill n5,"
            "start, stop n6, enter u12 42 n1, enter u13 43 n1, end n0, enter u14 42 n1, end n1, start, start,"
            "pass 1.0, kill n7, start, enter u25 42 n9, pass 1.0, enter u26 42 n9, carry u26/1, pass 1.0, rest,"
            "start, enter u27 43 n10, start, enter u30 43 n11, enter u31 43 n11, pass 1.0, enter u32 43 n8,"
            "enter u33 42 n10, end n9, start, rest, kill n8, move u33 43, stop n10, start, end n12, drop u33,"
            "pass 1.0, pass 1.0, pass 1.0, carry u14/4, rest, kill n11, cut n13, empty, pass 0.5",
            id="an edge knows better than a former owner that somebody has come back after a move",
        ),
        pytest.param(
            "enter u0 43 n2, enter u1 43 n2, cut n2, drop u0, pass 1.0, pass 0.5, pass 1.0, go_on n2, empty, rest",
            id="who may not act yet on the claim that it won does not believe the owner before it",
        ),
    ],
)
def test_a_life_that_once_failed(life: str) -> None:
    assert verdict([move.strip() for move in life.split(",")]) is None
