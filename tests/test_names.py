"""One rule derives every spelling of an event, and the public names are what they say."""

import re
from pathlib import Path
from typing import get_args

import pytest

import peer
from peer.events import Event
from peer.hooks import Hooks, hook_name
from signaling.messages import RoomEvent

EVENTS = get_args(Event)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_an_event_has_one_hook_and_one_name_on_the_wire_by_one_rule(event: type) -> None:
    name = event.__name__
    given = f"on{name}"
    assert event.__struct_config__.tag == name[0].lower() + name[1:]
    hook = getattr(Hooks(), "on_" + re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
    assert hook.name == given
    hooks = Hooks()
    for spelling in (given, name, given[2].lower() + given[3:], hook_name(given)):
        assert hooks.on(spelling) is getattr(hooks, hook_name(given))


def test_every_hook_has_an_event() -> None:
    assert {f"on{event.__name__}" for event in EVENTS} == {hook.name for hook in vars(Hooks()).values()}


def test_what_happens_to_the_others_is_the_servers_own_word() -> None:
    assert set(get_args(RoomEvent)) < set(EVENTS)


@pytest.mark.parametrize("name", peer.__all__)
def test_a_public_name_can_be_imported_and_is_in_the_documentation(name: str) -> None:
    assert getattr(peer, name).__doc__
    assert f"`{name}`" in Path("docs/names.md").read_text()


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nonsense"):
        peer.Nonsense  # noqa: B018 - the access is the test
