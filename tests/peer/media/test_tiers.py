"""Which tier a viewer gets, at which bitrate the encoders run, and what is said of it: rules only."""

import math
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from peer.media.limitation import LimitedBy
from peer.media.standing import FIRST_WAIT, GRACE, LONGEST_WAIT
from peer.media.target import RISE, WORTH
from peer.media.tiers import AUDIO_BITRATE as SOUND, TURN, UNTESTED, USED, Effect, Move, Rates, SetBitrate, Tier

BEST, FLOOR = 2_000_000, 800_000  # bits per second, of FULL
HALF_BEST, HALF_FLOOR = 600_000, 240_000
AUDIO, HALF, FULL = Tier.AUDIO, Tier.HALF, Tier.FULL
NONE, BANDWIDTH, CPU, OTHER = LimitedBy
Timed = tuple[float, Effect[str]]
Told = dict[str, tuple[float | None, float | None]]  # viewer: its REMB and its loss, each second


def rates(*viewers: str, width: int = 1280) -> Rates[str]:
    found: Rates[str] = Rates(BEST, width=width)
    for viewer in viewers:
        found.join(viewer, 0.0)
    return found


def tell(found: Rates[str], told: Told, now: float) -> None:
    for viewer, (remb, lost) in told.items():
        if remb is not None:
            found.remb(viewer, remb, now)
        if lost is not None:
            found.report(viewer, lost, now)


def play(found: Rates[str], begin: float, end: float, told: Told) -> list[Timed]:
    """Tell the same each second; return what was decided, and when."""
    effects: list[Timed] = []
    turns = round((end - begin) / TURN)
    for turn in range(turns):
        now = begin + turn * TURN
        if turn % 2 == 0:
            tell(found, told, now)
        effects += [(now, effect) for effect in found.advance(now)]
    return effects


def moves(effects: Iterable[Timed], viewer: str = "ana") -> list[tuple[float, Tier]]:
    return [(now, one.tier) for now, one in effects if isinstance(one, Move) and one.viewer == viewer]


def rises(changes: list[tuple[float, Tier]]) -> list[float]:
    """When a viewer came into a higher tier; the first change is not counted."""
    return [at for (_, before), (at, after) in pairwise(changes) if after > before]


def bitrates(effects: Iterable[Timed], tier: Tier = FULL) -> list[tuple[float, int]]:
    return [(now, one.bitrate) for now, one in effects if isinstance(one, SetBitrate) and one.tier is tier]


def test_a_viewer_begins_in_full_at_the_best_bitrate_and_nothing_more_is_to_do() -> None:
    found = rates("ana")
    assert found.tier("ana") is FULL
    assert (found.bitrate(FULL), found.bitrate(HALF)) == (BEST, HALF_BEST)
    assert play(found, 0.0, 60.0, {"ana": (None, 0.0)}) == []
    assert found.limitation("ana", 60.0).reason is NONE


def test_there_is_a_deadline_as_long_as_there_are_viewers() -> None:
    found = rates()
    assert found.next_deadline() is None
    found.join("ana", 7.0)
    assert found.next_deadline() == 7.0 + TURN
    found.advance(7.2)
    assert found.next_deadline() == 7.2 + TURN
    found.leave("ana")
    assert found.next_deadline() is None


@pytest.mark.parametrize(
    ("remb", "lost", "width", "expected"),
    [
        (FLOOR + SOUND, 0.0, 1280, []),
        (FLOOR + SOUND - 1, 0.0, 1280, [(9.0, HALF)]),
        (FLOOR + SOUND - 1, 0.0, 319, [(9.0, AUDIO)]),  # half of it were too small
        (HALF_FLOOR + SOUND - 1, 0.0, 1280, [(9.0, HALF), (10.5, AUDIO)]),
        (None, 0.25, 1280, [(2.0, HALF), (5.0, AUDIO)]),  # heavy loss counts from the beginning
        (5_000_000, 0.25, 1280, [(2.0, HALF), (5.0, AUDIO)]),
        (5_000_000, 0.2, 1280, [(10.0, HALF)]),  # less of it counts by what it does to the estimate
        (5_000_000, 0.1, 1280, []),
        (300_000, None, 1280, [(9.0, HALF)]),
    ],
)
def test_the_way_down(remb: float | None, lost: float | None, width: int, expected: list[tuple[float, Tier]]) -> None:
    assert moves(play(rates("ana", width=width), 0.0, 13.5, {"ana": (remb, lost)})) == expected


@pytest.mark.parametrize("dip", [(300_000, 0.0), (3_000_000, 0.5)])
def test_a_short_dip_takes_nobody_down(dip: tuple[float, float]) -> None:
    found = rates("ana")
    play(found, 0.0, 20.0, {"ana": (3_000_000, 0.0)})
    effects = play(found, 20.0, 21.0, {"ana": dip})
    assert moves([*effects, *play(found, 21.0, 40.0, {"ana": (3_000_000, 0.0)})]) == []


@pytest.mark.parametrize(
    ("remb", "lost", "expected"),
    [
        (1.25 * (FLOOR + SOUND), 0.0, [(35.0, FULL)]),
        (UNTESTED * (HALF_BEST + SOUND) + 1, 0.02, [(35.0, FULL)]),  # as much as can be estimated in HALF
        (UNTESTED * (HALF_BEST + SOUND) - 1, 0.0, []),
        (3_000_000, 0.03, []),
    ],
)
def test_the_way_up(remb: float, lost: float, expected: list[tuple[float, Tier]]) -> None:
    found = rates("ana")
    assert moves(play(found, 0.0, 30.0, {"ana": (700_000, 0.0)})) == [(9.0, HALF)]
    assert moves(play(found, 30.0, 36.0, {"ana": (remb, lost)})) == expected


def test_someone_sent_down_by_loss_alone_comes_back_by_steps_when_there_is_none() -> None:
    found = rates("ana")
    play(found, 0.0, 6.0, {"ana": (None, 0.5)})
    assert found.tier("ana") is AUDIO
    (up, half), (top, full) = moves(play(found, 6.0, 120.0, {"ana": (None, 0.0)}))
    assert (half, full) == (HALF, FULL)
    assert up >= 6.0 + FIRST_WAIT
    assert top >= up + GRACE + FIRST_WAIT


def test_tries_that_fail_become_rare_and_one_that_succeeds_is_forgiven() -> None:
    found = rates("ana")
    tries = [at for at, tier in moves(play(found, 0.0, 600.0, {"ana": (800_000, 0.0)})) if tier is FULL]
    between = [after - before for before, after in pairwise(tries)]
    assert between == sorted(between)
    assert LONGEST_WAIT <= between[-1] == between[-2] < LONGEST_WAIT + 2 * GRACE
    play(found, 600.0, 700.0, {"ana": (3_000_000, 0.0)})
    assert found.tier("ana") is FULL
    bad = moves(play(found, 700.0, 712.0, {"ana": (800_000, 0.0)}))
    assert bad == [(701.0, HALF), (706.5, FULL)], "it waits as briefly as the first time"


def test_one_bad_link_never_lowers_the_others() -> None:
    found = rates("ana", "bob")
    effects = play(found, 0.0, 120.0, {"ana": (5_000_000, 0.0), "bob": (500_000, 0.0)})
    assert bitrates(effects) == []
    assert moves(effects) == []
    assert moves(effects, "bob")[0] == (9.0, HALF)


def test_full_follows_its_slowest_healthy_viewer_down_at_once_and_up_smoothly() -> None:
    found = rates("ana", "bob")
    play(found, 0.0, 10.0, {"ana": (5_000_000, 0.0), "bob": (3_000_000, 0.0)})
    down = play(found, 10.0, 20.0, {"bob": (1_500_000, 0.0)})
    assert bitrates(down) == [(10.0, round(USED * 1_500_000 - SOUND))]
    assert found.limitation("bob", 20.0).reason is BANDWIDTH
    assert found.limitation("ana", 20.0).reason is OTHER
    found.leave("bob")
    up = bitrates(play(found, 20.0, 60.0, {"ana": (5_000_000, 0.0)}))
    assert up[-1][1] >= BEST * (1 - WORTH)
    assert all(after <= before * RISE ** (late - early) + 1 for (early, before), (late, after) in pairwise(up))
    assert found.limitation("ana", 60.0).reason is NONE


def test_a_small_change_is_not_worth_a_change() -> None:
    found = rates("ana")
    play(found, 0.0, 20.0, {"ana": (1_500_000, 0.0)})
    assert play(found, 20.0, 40.0, {"ana": (1_550_000, 0.0)}) == []


def test_the_ramp_of_a_newcomer_lowers_nothing() -> None:
    found = rates("ana")
    play(found, 0.0, 20.0, {"ana": (5_000_000, 0.0)})
    found.join("bob", 20.0)
    assert play(found, 20.0, 27.5, {"ana": (5_000_000, 0.0), "bob": (300_000, 0.0)}) == []
    assert play(found, 28.0, 60.0, {"ana": (5_000_000, 0.0), "bob": (3_000_000, 0.0)}) == []


def test_a_viewer_alone_who_ramps_up_holds_the_bitrate() -> None:
    assert play(rates("ana"), 0.0, 7.5, {"ana": (300_000, 0.0)}) == []


def test_if_nobody_in_a_tier_can_take_it_the_encoder_goes_to_the_floor_until_they_have_left() -> None:
    found = rates("ana")
    play(found, 0.0, 20.0, {"ana": (3_000_000, 0.0)})
    assert bitrates(play(found, 20.0, 20.5, {"ana": (3_000_000, 0.3)})) == [(20.0, FLOOR)]


def test_a_still_picture_says_nothing_against_a_link() -> None:
    found = rates("ana")
    found.measured(FULL, 100_000)
    assert play(found, 0.0, 60.0, {"ana": (UNTESTED * (100_000 + SOUND), 0.0)}) == []
    assert moves(play(found, 60.0, 62.0, {"ana": (120_000, 0.0)})) == [(61.0, HALF)]


def test_a_remb_that_is_not_repeated_is_forgotten_and_the_bitrate_comes_back() -> None:
    found = rates("ana")
    play(found, 0.0, 20.0, {"ana": (1_000_000, 0.0)})
    assert found.bitrate(FULL) == 860_000
    back = bitrates(play(found, 20.0, 90.0, {"ana": (None, 0.0)}))
    assert back[0][0] >= 29.0
    assert back[-1][1] >= BEST * (1 - WORTH)


def test_a_tier_that_nobody_had_begins_with_what_its_first_viewer_can_take() -> None:
    found = rates("ana")
    effects = play(found, 0.0, 20.0, {"ana": (500_000, 0.0)})
    moved = next(at for at, (_, one) in enumerate(effects) if isinstance(one, Move))
    assert effects[moved - 1] == (9.0, SetBitrate(HALF, 410_000)), "the encoder is told before it begins"
    assert effects[moved] == (9.0, Move("ana", HALF, BANDWIDTH))
    assert found.bitrate(FULL) == FLOOR
    found.join("bob", 20.0)
    assert found.next_deadline() == 19.5, "at once"
    assert found.advance(20.0) == [(SetBitrate(FULL, BEST))]


def test_who_joins_again_begins_anew() -> None:
    found = rates("ana")
    play(found, 0.0, 20.0, {"ana": (500_000, 0.0)})
    assert found.tier("ana") is HALF
    found.join("ana", 20.0)
    assert found.tier("ana") is FULL
    assert moves(play(found, 20.0, 27.5, {"ana": (300_000, 0.0)})) == []


def test_reports_of_who_is_not_here_are_ignored() -> None:
    found = rates("ana")
    found.leave("bob")
    assert play(found, 0.0, 60.0, {"bob": (100_000, 0.9), "ana": (None, 0.0)}) == []


def test_an_overload_is_said_of_those_in_full_and_changes_nothing() -> None:
    found = rates("ana", "bob")
    told: Told = {"ana": (5_000_000, 0.0), "bob": (500_000, 0.0)}
    play(found, 0.0, 10.0, told)
    found.overloaded(10.0, True)
    assert moves(play(found, 10.0, 13.0, told)) == []
    assert found.limitation("ana", 13.0).reason is CPU
    assert found.limitation("bob", 13.0).reason is BANDWIDTH
    found.overloaded(14.0, False)
    limitation = found.limitation("ana", 20.0)
    assert limitation.durations == {NONE: 16.0, CPU: 4.0, BANDWIDTH: 0.0, OTHER: 0.0}


def test_the_limitation_counts_the_pictures_of_another_size() -> None:
    found = rates("ana")
    play(found, 0.0, 6.0, {"ana": (None, 0.5)})
    assert found.tier("ana") is AUDIO
    assert found.limitation("ana", 6.0).resolution_changes == 1
    play(found, 6.0, 120.0, {"ana": (None, 0.0)})
    limitation = found.limitation("ana", 120.0)
    assert (limitation.reason, limitation.resolution_changes) == (NONE, 2)
    assert sum(limitation.durations.values()) == pytest.approx(120.0)
    assert limitation.durations[BANDWIDTH] > 13.0


class Link:
    """A link with a receiver that estimates as Chromium's and aiortc's do: from what it gets, and little more."""

    def __init__(self, capacity: float) -> None:
        self._capacity = capacity
        self._estimate = 300_000.0
        self._seconds = 0

    def second(self, sent: float) -> tuple[float, float]:
        """Return the REMB and the share lost after one more second."""
        self._seconds += 1
        got = min(sent, self._capacity)
        if self._seconds == 5:
            self._estimate = got
        elif self._seconds > 5:
            grown = max(self._estimate, min(1.08 * self._estimate, 1.5 * got + 10_000))
            self._estimate = 0.85 * got if sent > self._capacity else grown
        return self._estimate, max(0.0, 1 - self._capacity / sent)


def watch(capacities: dict[str, float], seconds: int) -> tuple[Rates[str], list[Timed]]:
    """Let viewers watch over links of these capacities, in bits per second."""
    found, links = rates(*capacities), {viewer: Link(capacity) for viewer, capacity in capacities.items()}
    effects: list[Timed] = []
    for now in range(seconds):
        sent = {one: found.bitrate(tier) if (tier := found.tier(one)) else 0 for one in links}
        tell(found, {one: link.second(sent[one] + SOUND) for one, link in links.items()}, now)
        effects += [(at, one) for at in (now, now + TURN) for one in found.advance(at)]
    return found, effects


@pytest.mark.parametrize(
    ("capacity", "expected"),
    [
        (5_000_000, []),
        (1_200_000, [HALF, FULL]),
        (500_000, [HALF]),
        (100_000, [HALF, AUDIO]),
    ],
)
def test_a_viewer_finds_its_tier_over_a_real_link(capacity: float, expected: list[Tier]) -> None:
    _, effects = watch({"ana": capacity}, 300)
    changes = moves(effects)
    assert [tier for _, tier in changes][: len(expected)] == expected
    late = [at for at in rises(changes[len(expected) :]) if at > 120.0]
    assert all(after - before >= LONGEST_WAIT for before, after in pairwise(late))


def test_a_crowd_of_bad_links_costs_the_good_ones_nothing() -> None:
    found, effects = watch({"good": 10_000_000, **{f"bad {at}": 60_000 * at for at in range(1, 11)}}, 200)
    assert bitrates(effects) == []
    assert found.tier("good") is FULL


FEW = settings(max_examples=40, deadline=None)
rembs = st.one_of(st.none(), st.floats(0, 6_000_000))
losses = st.one_of(st.none(), st.floats(0, 1), st.floats(0, 0.3))
viewers = st.sampled_from(["ana", "bob", "cat"])
acts = st.one_of(
    st.tuples(st.sampled_from(["join", "leave"]), viewers, st.just(0.0)),
    st.tuples(st.just("remb"), viewers, st.floats(0, 6_000_000)),
    st.tuples(st.just("report"), viewers, st.floats(0, 1)),
    st.tuples(st.sampled_from(["measured", "overloaded"]), st.just(""), st.floats(0, 3_000_000)),
)
steps = st.lists(st.tuples(acts, st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0, 10.0, 60.0])), max_size=30)
NOT_HERE = (("join", "ana"), ("leave", "ana"), ("measured", ""))
Step = tuple[tuple[str, str, float], float]


def act(found: Rates[str], what: str, viewer: str, figure: float, now: float) -> None:
    match what:
        case "join":
            found.join(viewer, now)
        case "leave":
            found.leave(viewer)
        case "remb":
            found.remb(viewer, figure, now)
        case "report":
            found.report(viewer, figure, now, round_trip=0.0)
        case "measured":
            found.measured(FULL, figure)
        case _:
            found.overloaded(now, figure > 1_000_000)


def run(script: list[Step]) -> list[Timed]:
    """Play any script, with a look after each act and whenever one is due."""
    found, now, effects = rates("ana", "bob"), 0.0, []
    for (what, viewer, figure), pause in script:
        end = now + pause
        while (due := found.next_deadline()) is not None and due < end:
            now = max(now, due)
            effects += [(now, one) for one in found.advance(now)]
        now = end
        act(found, what, viewer, figure, now)
        effects += [(now, one) for one in found.advance(now)]
    return effects


@FEW
@given(steps)
def test_whatever_is_reported_targets_are_in_range_and_nobody_moves_twice_a_second(script: list[Step]) -> None:
    effects = run(script)
    for viewer in ("ana", "bob", "cat"):
        assert all(after - before >= 1.0 for (before, _), (after, _) in pairwise(moves(effects, viewer)))
    assert all(FLOOR <= bitrate <= BEST for _, bitrate in bitrates(effects))
    assert all(HALF_FLOOR <= bitrate <= HALF_BEST for _, bitrate in bitrates(effects, HALF))


@FEW
@given(steps)
def test_what_others_do_takes_nobody_down(script: list[Step]) -> None:
    """Alone or among others, a viewer goes the same way down. Only when it tries to rise may depend on them."""
    calm = ("overloaded", "", 0.0)  # in place of what is measured, which no viewer says
    others = [(one if one[:2] not in NOT_HERE else calm, pause) for one, pause in script]
    alone = [(one if one[1] == "ana" else calm, pause) for one, pause in others]
    assert way_down(run(others)) == way_down(run(alone))


def way_down(effects: list[Timed]) -> list[tuple[float, Tier]]:
    """The moves up to the first try."""
    tiers = [(-1.0, FULL), *moves(effects)]
    first = min(rises(tiers), default=math.inf)
    return [(at, tier) for at, tier in tiers if at < first]


@FEW
@given(st.dictionaries(viewers, st.tuples(rembs, losses), min_size=1))
def test_constant_reports_come_to_rest_but_for_rare_tries(told: Told) -> None:
    found = rates(*told)
    play(found, 0.0, 300.0, told)
    effects = play(found, 300.0, 500.0, told)
    for viewer in told:
        assert all(after - before >= LONGEST_WAIT for before, after in pairwise(rises(moves(effects, viewer))))
    if not any(isinstance(one, Move) for _, one in effects):
        assert effects == [], "no bitrate changes by itself"
