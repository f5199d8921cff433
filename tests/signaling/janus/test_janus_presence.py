"""Who may be in a VideoRoom, of those who are."""

from signaling.janus.presence import Presence
from signaling.janus_words import janus_id

ANA = janus_id("ana")


def there(*sessions: str) -> Presence:
    presence = Presence()
    for session in sessions:
        presence.add(session)
    return presence


def test_who_comes_with_the_name_of_a_stay_is_in_as_often_as_that_is_heard_of() -> None:
    presence = there("ana")
    assert presence.session(ANA) == "ana"
    assert presence.takes(ANA, 5)
    assert presence.takes(ANA, 5)


def test_who_has_no_such_name_or_an_id_of_nobodys_is_not() -> None:
    presence = there("ana")
    assert not presence.takes(ANA, None)
    assert not presence.takes(7, 1)
    assert presence.session(7) is None


def test_the_name_of_a_stay_that_is_over_or_of_one_before_is_good_for_nothing() -> None:
    presence = there("ana")
    presence.takes(ANA, 5)
    presence.left(ANA)
    assert not presence.takes(ANA, 5)
    assert not presence.takes(ANA, 4)
    assert presence.takes(ANA, 6)
    assert not presence.takes(ANA, 5)


def test_who_is_not_among_those_who_are_in_is_missing_until_they_are_known_to_be_out() -> None:
    presence = there("ana", "ben")
    presence.takes(ANA, 1)
    assert presence.missing({janus_id("ben")}) == {ANA}
    assert presence.missing({ANA}) == set()
    presence.left(ANA)
    assert presence.missing(set()) == set()


def test_of_who_belongs_there_no_more_nothing_is_kept() -> None:
    presence = there("ana")
    presence.takes(ANA, 5)
    presence.remove("ana")
    presence.remove("ana")
    assert presence == Presence()
    assert not presence.takes(ANA, 6)
