"""By what a device is known again after it was away: numbers of nodes and cards change, these do not.

    camera       the path, where the user named a link; else its serial number, its place on the bus, its link in by-id
    microphone   the identifier of its sound card ("PCH" for card 0); a sound server is known by its name
    screen       its display

The rules are pure; `identify` and `find` look into the system, which is quick and never fails.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from msgspec import Struct

from peer.capture.devices import text_of
from peer.capture.source import Camera, Microphone, Source

_CARD = re.compile(r"^ *(?P<number>\d+) \[(?P<id>\S+) *\]:", re.MULTILINE)
_NUMBERED = re.compile(r"^(?P<plug>plug)?hw:(?:CARD=)?(?P<card>\d+)(?:,(?:DEV=)?(?P<device>\d+))?$")


class Roots(Struct, frozen=True):
    """Where the system tells of its devices."""

    dev: Path = Path("/dev")
    video: Path = Path("/sys/class/video4linux")
    sound: Path = Path("/proc/asound")


class Node(Struct, frozen=True):
    """What is known of one camera node; empty: the system does not tell."""

    path: str
    card: str = ""
    index: str = ""  # which of the nodes of one camera
    serial: str = ""
    place: str = ""  # on the bus: "1-2:1.0"
    links: frozenset[str] = frozenset()  # in /dev/v4l/by-id


class Identity(Struct, frozen=True):
    """A source as it was opened, and what tells its device from others."""

    source: Source
    node: Node | None = None
    twins: frozenset[str] = frozenset()  # the places of other cameras that look like it
    card: str | None = None  # of a microphone


ROOTS = Roots()


def identify(source: Source, roots: Roots = ROOTS) -> Identity:
    """Take the identity of a device while it is there."""
    if isinstance(source, Camera) and source.device is not None and source.device.startswith("/"):
        return _identify_camera(source, source.device, roots)
    if isinstance(source, Microphone) and (match := _NUMBERED.match(source.name)):
        return Identity(source, card=cards(text_of(roots.sound / "cards")).get(int(match["card"])))
    return Identity(source)


def find(identity: Identity, roots: Roots = ROOTS) -> Source | None:
    """Return the source by which the same device is to be opened now; None: it is not there."""
    source = identity.source
    if isinstance(source, Camera) and source.device is not None and source.device.startswith("/"):
        return _find_camera(source, source.device, identity, roots)
    if isinstance(source, Microphone) and identity.card is not None:
        name = name_on_card(source.name, identity.card, cards(text_of(roots.sound / "cards")))
        return None if name is None else replace(source, device=name)
    return source


def known_again(ours: Node, twins: frozenset[str], nodes: Iterable[Node]) -> Node | None:
    """Return which of the nodes is the camera that was `ours`.

    Where two cameras of one make have no serial numbers, or the same one, the place decides: a twin's is not ours.
    """
    alike = [node for node in nodes if _looks(node) == _looks(ours)]
    if not ours.place and not ours.serial and not ours.links:
        return next((node for node in alike if node.path == ours.path), None)
    here = [node for node in alike if ours.place and node.place == ours.place]
    moved = [node for node in alike if node.place not in twins and (ours.serial or ours.links & node.links)]
    return next(iter([*here, *moved]), None)


def twins_of(ours: Node, nodes: Iterable[Node]) -> frozenset[str]:
    """Return the places of the other cameras that only their place tells from ours."""
    return frozenset(node.place for node in nodes if _looks(node) == _looks(ours)) - {ours.place, ""}


def cards(proc_asound_cards: str) -> dict[int, str]:
    """Return the identifiers of the sound cards by their numbers, from the text of /proc/asound/cards."""
    return {int(found["number"]): found["id"] for found in _CARD.finditer(proc_asound_cards)}


def name_on_card(name: str, card: str, present: Mapping[int, str]) -> str | None:
    """Return an ALSA name with the number that a card has now: "hw:0,0" may have become "hw:1,0"; None: it is gone."""
    match = _NUMBERED.match(name)
    number = next((number for number, present_id in present.items() if present_id == card), None)
    if match is None or number is None:
        return None
    return f"{match['plug'] or ''}hw:{number},{match['device'] or 0}"


def _looks(node: Node) -> tuple[str, str, str]:
    return node.card, node.index, node.serial


def _identify_camera(source: Camera, path: str, roots: Roots) -> Identity:
    if Path(path).is_symlink():
        return Identity(source)
    ours = _node(Path(path), roots)
    return Identity(source, ours, twins_of(ours, _nodes(roots)))


def _find_camera(source: Camera, path: str, identity: Identity, roots: Roots) -> Source | None:
    if identity.node is None:
        return source if Path(path).exists() else None
    own = [_node(Path(path), roots)] if Path(path).exists() else []  # it need not lie in /dev
    node = known_again(identity.node, identity.twins, [*own, *_nodes(roots)])
    return None if node is None else replace(source, device=node.path)


def _nodes(roots: Roots) -> list[Node]:
    """Return the camera nodes that there are, with or without a word of sysfs on them."""
    paths = {*roots.dev.glob("video*"), *(path.resolve() for path in _links(roots) if path.exists())}
    return [_node(path, roots) for path in sorted(paths)]


def _node(path: Path, roots: Roots) -> Node:
    told = roots.video / path.name
    device = Path(os.path.realpath(told / "device"))
    is_on_a_bus = (told / "device").exists()
    return Node(
        path=str(path),
        card=text_of(told / "name"),
        index=text_of(told / "index"),
        serial=text_of(device.parent / "serial") if is_on_a_bus else "",
        place=device.name if is_on_a_bus else "",
        links=frozenset(link.name for link in _links(roots) if os.path.realpath(link) == os.path.realpath(path)),
    )


def _links(roots: Roots) -> list[Path]:
    return sorted(roots.dev.glob("v4l/by-id/*"))
