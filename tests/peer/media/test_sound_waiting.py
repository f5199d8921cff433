"""Sound that waits to be read: bounded, and never longer than it is needed."""

import numpy as np

from peer.media.sound_timeline import Chunk, Cutter, Samples, Timeline
from peer.media.sound_waiting import WATCHED, Waiting

LENGTH = 960  # samples
SECONDS = 0.02
WINDOW = round(WATCHED / SECONDS)  # pieces
HELD = (2.0, 3.0)  # seconds: while the link stands still
READY = 0.02  # seconds of sound that who plays has ready


def piece(number: int) -> Chunk:
    """Return a piece of a tone that goes on from one to the next."""
    at = np.arange(number * LENGTH, (number + 1) * LENGTH)
    wave = 10_000 * np.sin(at * (2 * np.pi * 150.3 / 48_000))
    return Chunk(wave.astype(np.int16)[:, None], number * SECONDS)


def waiting(limit: int = 50) -> Waiting:
    return Waiting(limit, SECONDS)


def played(sound: Waiting, first: int, count: int) -> list[Chunk]:
    """Put a piece and take one, so many times, as who plays sound does."""
    taken = []
    for number in range(first, first + count):
        sound.put(piece(number))
        chunk = sound.take()
        assert chunk is not None
        taken.append(chunk)
    return taken


def test_pieces_come_out_in_their_order_and_as_they_are() -> None:
    sound = waiting()
    assert sound.take() is None
    taken = played(sound, 0, 3 * WINDOW)
    assert [round(chunk.time / SECONDS) for chunk in taken] == list(range(3 * WINDOW))
    assert sound.skipped == 0


def test_for_who_is_too_slow_the_newest_are_kept() -> None:
    sound = waiting(limit=3)
    for number in range(5):
        sound.put(piece(number))
    taken = sound.take()
    assert taken is not None
    assert (taken.time, sound.skipped) == (2 * SECONDS, 2)


def test_what_waits_for_long_and_is_not_needed_is_left_out_so_that_what_follows_is_not_late() -> None:
    sound = waiting()
    for number in range(10):  # a burst
        sound.put(piece(number))
    taken = played(sound, 10, 2 * WINDOW)
    late = [10 + index - round(chunk.time / SECONDS) for index, chunk in enumerate(taken)]
    assert late == [10] * WINDOW + [0] * WINDOW
    assert sound.skipped == 10


def test_nothing_clicks_where_something_was_left_out() -> None:
    sound = waiting()
    for number in range(10):
        sound.put(piece(number))
    heard = np.concatenate([chunk.samples for chunk in played(sound, 10, 2 * WINDOW)])[:, 0].astype(int)
    usual = np.abs(np.diff(piece(0).samples[:, 0].astype(int))).max()
    assert np.abs(np.diff(heard)).max() < 2 * usual


def test_what_is_needed_now_and_then_stays() -> None:
    sound = waiting()
    for number in range(10):
        sound.put(piece(number))
    for _ in range(3):
        played(sound, 10, WINDOW - 20)
        while sound.take() is not None:  # the network was late
            pass
        for number in range(10):
            sound.put(piece(number))
    assert sound.skipped == 0


def test_who_plays_is_as_early_as_before_soon_after_the_link_stood_still_for_a_second() -> None:
    timeline, cutter, sound = Timeline(1, fade=0), Cutter(LENGTH, 48_000), waiting()
    until, heard = 0.0, []  # there is sound until then; moments, and how late it was then
    for step in range(800):
        now = step / 100
        came = [number for number in range(400) if arrival(number) == step]
        pieces = [timeline.push(number * LENGTH, said(number), now) for number in came] or [timeline.idle(now)]
        for chunk in cutter.push(np.concatenate(pieces), now):
            sound.put(chunk)
        while until - READY <= now and (taken := sound.take()) is not None:
            until = max(until, now) + SECONDS
            if taken.samples[-1, 0]:
                heard.append((now, until - int(taken.samples[-1, 0]) * SECONDS))
    before = max(late for now, late in heard if now < HELD[0])
    assert max(late for now, late in heard if now < HELD[1] + 1.0) > before  # it had to wait
    assert max(late for now, late in heard if now > HELD[1] + 2 * WATCHED) <= before + 0.04


def said(number: int) -> Samples:
    """Return a block that says its number, from 1."""
    return np.full((LENGTH, 1), number + 1, np.int16)


def arrival(number: int) -> int:
    """Return at which hundredth of a second a block comes: when it is whole, or when the link goes on."""
    at = (number + 1) * SECONDS
    return round(100 * (HELD[1] if HELD[0] < at < HELD[1] else at))


def test_for_another_reader_nothing_waits() -> None:
    sound = waiting()
    sound.put(piece(0))
    sound.begin_anew()
    assert sound.take() is None
    assert sound.skipped == 0
