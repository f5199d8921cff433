"""When a published device counts as lost, when it is looked for, and when it is back: rules only."""

import math

import pytest

from peer.events import DeviceBack, DeviceLost, SourceEnded
from peer.lost import (
    FIRST_DELAY,
    FIRST_FRAME_LIMIT,
    LONGEST_DELAY,
    SETTLED,
    Finish,
    LetGo,
    Lose,
    Open,
    Presence,
    Return,
    State,
    stall_limit,
)

LIMIT = 3.0
GONE = DeviceLost(device="camera /dev/video0", text="It is gone.")


def camera(now: float = 0.0, limit: float = LIMIT) -> Presence:
    return Presence("camera /dev/video0", returns=True, limit=limit, now=now)


def lost_at(now: float) -> Presence:
    presence = camera(now)
    assert presence.ended("It is gone.", now) == [Lose(GONE)]
    return presence


def advance(presence: Presence) -> tuple[float, list[object]]:
    """Let time pass until something is due; return when that was, and what it was."""
    due = presence.next_deadline()
    assert due is not None
    return due, list(presence.advance(due))


def test_a_device_that_gives_frames_is_live() -> None:
    presence = camera()
    for second in range(10):
        assert presence.frame(second) == []
        assert presence.advance(second + 2.9) == []
    assert presence.next_deadline() == 9 + LIMIT
    assert presence.state is State.LIVE


def test_silence_beyond_the_limit_is_a_loss_said_once() -> None:
    presence = camera()
    presence.frame(1.0)
    text = "The camera /dev/video0 has given nothing for 3 s."
    assert presence.advance(4.0) == [Lose(DeviceLost(device="camera /dev/video0", text=text))]
    assert presence.advance(4.0) == []
    assert presence.ended("It is gone.", 4.1) == []
    assert presence.frame(4.1) == []
    assert presence.state is State.LOST


def test_a_failure_is_a_loss_at_once_in_its_own_words() -> None:
    assert lost_at(1.0).next_deadline() == 1.0 + FIRST_DELAY


def test_a_device_that_ends_without_a_word_is_lost_too() -> None:
    (lose,) = camera().ended(None, 1.0)
    assert lose == Lose(DeviceLost(device="camera /dev/video0", text="The camera /dev/video0 gives nothing more."))


def test_it_is_back_with_its_first_frame_and_not_before() -> None:
    presence = lost_at(1.0)
    assert advance(presence) == (1.25, [Open()])
    assert presence.next_deadline() is None
    assert presence.advance(100.0) == []
    presence.opened(LIMIT, 2.0)
    assert presence.state is State.OPENING
    assert presence.frame(2.1) == [Return(DeviceBack(device="camera /dev/video0", lost_for=2.1 - 1.0))]
    assert presence.state is State.LIVE
    assert presence.next_deadline() == pytest.approx(2.1 + LIMIT)


def test_it_is_looked_for_at_growing_intervals_for_as_long_as_it_takes() -> None:
    presence, waits, now = lost_at(0.0), [], 0.0
    for _ in range(1000):
        due, effects = advance(presence)
        assert effects == [Open()]
        waits.append(due - now)
        now = due + 0.5
        presence.failed(now)
    assert waits[:6] == pytest.approx([0.25, 0.5, 1.0, 2.0, 4.0, 5.0])
    assert waits[6:] == pytest.approx([LONGEST_DELAY] * 994)


def test_a_device_that_opens_and_gives_nothing_is_let_go_and_not_said_to_be_back() -> None:
    presence = lost_at(0.0)
    advance(presence)
    presence.opened(LIMIT, 1.0)
    assert presence.advance(3.9) == []
    assert advance(presence) == (4.0, [LetGo()])
    assert advance(presence) == (4.0 + 2 * FIRST_DELAY, [Open()])


def test_a_device_that_ends_before_its_first_frame_is_let_go() -> None:
    presence = lost_at(0.0)
    advance(presence)
    presence.opened(LIMIT, 1.0)
    assert presence.ended("It is gone.", 1.1) == [LetGo()]
    assert presence.state is State.LOST


def test_without_a_limit_silence_is_no_loss_but_a_device_has_to_begin() -> None:
    presence = camera(limit=math.inf)
    assert presence.next_deadline() is None
    assert presence.advance(1e9) == []
    presence.ended("It is gone.", 0.0)
    advance(presence)
    presence.opened(math.inf, 1.0)
    assert advance(presence) == (1.0 + FIRST_FRAME_LIMIT, [LetGo()])


def come_back(presence: Presence) -> float:
    now, _ = advance(presence)
    presence.opened(LIMIT, now)
    presence.frame(now)
    return now


def test_a_device_that_comes_and_goes_is_looked_for_less_and_less_often() -> None:
    presence, losses = lost_at(0.0), []
    for _ in range(8):
        now = come_back(presence)
        losses.append(now)
        presence.ended("It is gone.", now)
    assert losses[1:4] == pytest.approx([losses[0] + 0.5, losses[0] + 1.5, losses[0] + 3.5])
    assert losses[-1] - losses[-2] == pytest.approx(LONGEST_DELAY)


def test_a_device_that_has_been_back_for_a_while_is_looked_for_at_once_again() -> None:
    presence = lost_at(0.0)
    for _ in range(6):
        advance(presence)
        presence.failed(0.0)
    now = come_back(presence) + SETTLED
    presence.ended("It is gone.", now)
    assert presence.next_deadline() == pytest.approx(now + FIRST_DELAY)


@pytest.mark.parametrize("text", [None, "It cannot be read on."])
def test_a_file_is_over_and_does_not_come_back(text: str | None) -> None:
    presence = Presence("file movie.webm", returns=False, limit=math.inf, now=0.0)
    assert presence.ended(text, 1.0) == [Finish(SourceEnded(device="file movie.webm", text=text))]
    assert presence.ended(text, 1.0) == []
    assert presence.state is State.OVER
    assert presence.next_deadline() is None


@pytest.mark.parametrize(
    ("stall_after", "fps", "limit"),
    [
        (3.0, 30.0, 3.0),
        (3.0, None, 3.0),
        (3.0, 0.5, 6.0),
        (0.05, 30.0, 0.1),
        (0.0, 30.0, math.inf),
        (math.inf, 30.0, math.inf),
        (math.nan, 30.0, math.inf),
    ],
)
def test_the_limit_is_at_least_three_pictures_and_can_be_turned_off(
    stall_after: float, fps: float | None, limit: float
) -> None:
    assert stall_limit(stall_after, fps) == pytest.approx(limit)
