"""Who gets what a source delivers encoded, and who an encoder's."""

from peer.media.passing import FIRST_WAIT, LONGEST_WAIT, SOON, GoBack, GoOver, Passing, may_pass
from peer.media.sending import Sending

ROUND_TRIP = 0.1


def passing(*viewers: str, codec: str | None = "H264", now: float = 0.0) -> Passing[str]:
    """Let viewers be on the passage."""
    one: Passing[str] = Passing()
    one.offer(codec, now)
    for viewer in viewers:
        one.put(viewer, "H264", now, is_full=True)
        one.took(viewer, now)
    return one


def test_only_what_was_asked_for_may_pass() -> None:
    assert may_pass("H264", Sending())
    assert may_pass("H264", Sending(codec="H264"))
    assert not may_pass("H264", Sending(codec="VP8"))
    assert not may_pass("H264", Sending(bitrate=500_000))


def test_a_viewer_waits_with_the_encoder_and_goes_over_at_a_key_frame() -> None:
    one = passing()
    assert one.put("ana", "H264", 1.0, is_full=True) == [GoOver("ana")]
    assert (one.is_used, one.is_passed("ana")) == (True, False)
    assert one.took("ana", 2.0)
    assert one.is_passed("ana")
    assert not one.took("ana", 2.0)


def test_sound_passes_with_the_next_packet_and_needs_no_encoder_before() -> None:
    one: Passing[str] = Passing()
    one.offer("OPUS", 0.0, is_immediate=True)
    one.put("ana", "OPUS", 0.0, is_full=True)
    assert one.is_passed("ana")


def test_a_source_that_makes_key_frames_when_asked_needs_no_encoder_for_a_lost_picture_either() -> None:
    one: Passing[str] = Passing()
    one.offer("H264", 0.0, is_immediate=True)
    one.put("ana", "H264", 0.0, is_full=True)
    assert one.took("ana", 1.0)
    assert one.lost("ana", 2.0, ROUND_TRIP) == []
    assert one.is_passed("ana")


def test_who_takes_another_codec_or_gets_less_stays_with_the_encoder() -> None:
    one = passing()
    assert one.put("ana", "VP8", 0.0, is_full=True) == []
    assert one.put("bo", "H264", 0.0, is_full=False) == []
    assert not one.is_used
    assert not one.is_passed("ana")


def test_without_an_offer_nobody_goes_over() -> None:
    one = passing(codec=None)
    assert one.put("ana", "H264", 0.0, is_full=True) == []


def test_an_offer_is_for_those_who_are_here_already() -> None:
    one = passing(codec=None)
    one.put("ana", "H264", 0.0, is_full=True)
    assert one.offer("H264", 1.0) == [GoOver("ana")]


def test_a_new_offer_begins_anew_and_its_end_sends_all_back() -> None:
    one = passing("ana")
    assert one.offer("H264", 1.0) == [GoBack("ana"), GoOver("ana")]
    assert one.offer(None, 2.0) == [GoBack("ana")]
    assert not one.is_used


def test_a_lower_tier_is_the_encoders_and_the_full_one_passes_again() -> None:
    one = passing("ana")
    assert one.put("ana", "H264", 1.0, is_full=False) == [GoBack("ana")]
    assert one.put("ana", "H264", 2.0, is_full=True) == [GoOver("ana")]


def test_nothing_passes_while_we_are_muted() -> None:
    one = passing("ana")
    assert one.mute(1.0, is_muted=True) == [GoBack("ana")]
    assert one.put("bo", "H264", 1.0, is_full=True) == []
    assert one.mute(2.0, is_muted=False) == [GoOver("ana"), GoOver("bo")]


def test_who_loses_its_picture_gets_one_from_the_encoder_and_goes_over_again() -> None:
    one = passing("ana")
    assert one.lost("ana", SOON + 1, ROUND_TRIP) == [GoBack("ana"), GoOver("ana")]
    assert not one.is_passed("ana")
    assert one.lost("ana", SOON + 2, ROUND_TRIP) == []


def test_what_was_asked_before_the_first_picture_could_be_seen_is_answered_by_it() -> None:
    one = passing("ana")
    assert one.lost("ana", ROUND_TRIP / 2, ROUND_TRIP) == []
    assert one.is_passed("ana")


def test_who_cannot_decode_what_passes_is_tried_more_and_more_rarely() -> None:
    one, now, waits = passing("ana"), 0.0, []
    for _ in range(9):
        now += 1.0
        assert one.lost("ana", now, ROUND_TRIP) == [GoBack("ana")]
        wait = next(w for w in range(1, 1000) if one.advance(now + w))
        waits.append(wait)
        now += wait
        one.took("ana", now)
    assert waits[:3] == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT]
    assert waits[-1] == LONGEST_WAIT


def test_a_picture_lost_late_is_an_accident() -> None:
    one = passing("ana")
    one.lost("ana", 1.0, ROUND_TRIP)
    assert one.advance(1.0 + FIRST_WAIT) == [GoOver("ana")]
    one.took("ana", 10.0)
    assert one.lost("ana", 10.0 + SOON, ROUND_TRIP) == [GoBack("ana"), GoOver("ana")]


def test_a_gap_sends_all_back_to_wait_for_the_next_key_frame() -> None:
    one = passing("ana")
    one.put("bo", "H264", 0.0, is_full=True)
    assert one.interrupted(1.0) == [GoBack("ana"), GoOver("ana")]
    assert not one.is_passed("ana")


def test_who_rests_is_asked_again_when_it_is_put() -> None:
    one = passing("ana")
    one.rest("ana")
    assert (one.is_used, one.advance(1.0)) == (False, [])
    assert one.put("ana", "H264", 1.0, is_full=True) == [GoOver("ana")]


def test_who_is_gone_or_was_never_here_is_ignored() -> None:
    one = passing("ana")
    one.leave("ana")
    one.leave("ana")
    one.rest("ana")
    assert not one.took("ana", 1.0)
    assert one.lost("ana", 1.0, ROUND_TRIP) == []
    assert (one.is_passed("ana"), one.is_used) == (False, False)
