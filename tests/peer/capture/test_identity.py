"""By what a device is known again: the rules, and the look into a system that is a folder of files."""

from pathlib import Path

import pytest

from peer.capture.identity import Node, Roots, cards, find, identify, known_again, name_on_card, twins_of
from peer.capture.source import Camera, Microphone, Screen, TestPattern

CARDS = """\
 0 [PCH            ]: HDA-Intel - HDA Intel PCH
                      HDA Intel PCH at 0xf7f10000 irq 32
 1 [C920           ]: USB-Audio - HD Pro Webcam C920
                      HD Pro Webcam C920 at usb-0000:00:14.0-2, high speed
"""
LINK = "usb-046d_C920-video-index0"


class Machine:
    """A tree like /dev, /sys and /proc of a machine with cameras and sound cards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.roots = Roots(self.folder / "dev", self.folder / "sys/class/video4linux", self.folder / "proc/asound")
        for root in (self.roots.dev / "v4l/by-id", self.roots.video, self.roots.sound):
            root.mkdir(parents=True)

    def plug(self, node: str, place: str, *, serial: str = "", link: str = "", card: str = "C920") -> Camera:
        (self.roots.dev / node).touch()
        interface = self.folder / "sys/devices" / place.split(":")[0] / place
        interface.mkdir(parents=True, exist_ok=True)
        if serial:
            (interface.parent / "serial").write_text(f"{serial}\n")
        told = self.roots.video / node
        told.mkdir()
        (told / "name").write_text(f"{card}\n")
        (told / "index").write_text("0\n")
        (told / "device").symlink_to(interface)
        if link:
            self.link(link, node)
        return Camera(str(self.roots.dev / node))

    def link(self, name: str, node: str) -> None:
        link = self.roots.dev / "v4l/by-id" / name
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../{node}")

    def unplug(self, node: str, link: str = "") -> None:
        (self.roots.dev / node).unlink()
        if link:
            (self.roots.dev / "v4l/by-id" / link).unlink()
        for name in ("name", "index", "device"):
            (self.roots.video / node / name).unlink()
        (self.roots.video / node).rmdir()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_camera_is_found_by_its_serial_number_at_another_node_and_place(machine: Machine) -> None:
    ours = identify(machine.plug("video0", "1-2:1.0", serial="A1"), machine.roots)
    assert find(ours, machine.roots) == ours.source
    machine.unplug("video0")
    assert find(ours, machine.roots) is None
    machine.plug("video0", "1-4:1.0", serial="B2")
    assert find(ours, machine.roots) is None
    camera = machine.plug("video1", "1-3:1.0", serial="A1")
    assert find(ours, machine.roots) == camera


def test_what_was_asked_of_a_camera_stays(machine: Machine) -> None:
    machine.plug("video0", "1-2:1.0", serial="A1")
    asked = Camera(str(machine.roots.dev / "video0"), width=320, height=240, fps=15)
    ours = identify(asked, machine.roots)
    machine.unplug("video0")
    machine.plug("video1", "1-2:1.0", serial="A1")
    assert find(ours, machine.roots) == Camera(str(machine.roots.dev / "video1"), width=320, height=240, fps=15)


def test_without_a_serial_number_its_link_tells_where_it_is(machine: Machine) -> None:
    ours = identify(machine.plug("video0", "1-2:1.0", link=LINK), machine.roots)
    machine.unplug("video0", LINK)
    camera = machine.plug("video1", "1-3:1.0")
    assert find(ours, machine.roots) is None
    machine.link(LINK, "video1")
    assert find(ours, machine.roots) == camera


def test_without_a_link_too_its_place_tells(machine: Machine) -> None:
    ours = identify(machine.plug("video0", "1-2:1.0"), machine.roots)
    machine.unplug("video0")
    machine.plug("video0", "1-3:1.0")
    assert find(ours, machine.roots) is None
    camera = machine.plug("video1", "1-2:1.0")
    assert find(ours, machine.roots) == camera


def test_a_link_that_moves_on_to_the_twin_beside_it_is_not_followed(machine: Machine) -> None:
    camera = machine.plug("video0", "1-2:1.0", link=LINK)
    machine.plug("video2", "1-3:1.0")
    ours = identify(camera, machine.roots)
    machine.unplug("video0", LINK)
    machine.link(LINK, "video2")
    assert find(ours, machine.roots) is None
    assert find(identify(Camera(str(machine.roots.dev / "video2")), machine.roots), machine.roots) is not None


def test_twins_with_the_same_serial_number_are_told_apart_by_their_place() -> None:
    ours, twin = Node("/dev/video0", "C920", "0", "SN0001", "1-2:1.0"), Node("v", "C920", "0", "SN0001", "1-3:1.0")
    twins = twins_of(ours, [ours, twin, Node("/dev/video4", "Brio", "0", "B", "1-4:1.0")])
    assert twins == {"1-3:1.0"}
    assert known_again(ours, twins, [twin]) is None
    assert known_again(ours, twins, [twin, ours]) is ours


def test_another_node_of_the_same_camera_is_not_it() -> None:
    picture, metadata = Node("/dev/video0", "C920", "0", "A1", "1-2:1.0"), Node("v", "C920", "1", "A1", "1-2:1.0")
    assert known_again(picture, frozenset(), [metadata]) is None


def test_a_camera_of_which_nothing_is_known_is_the_one_at_its_path(machine: Machine, tmp_path: Path) -> None:
    elsewhere = tmp_path / "camera"
    elsewhere.touch()
    ours = identify(Camera(str(elsewhere)), machine.roots)
    machine.plug("video0", "1-2:1.0")
    assert find(ours, machine.roots) == Camera(str(elsewhere))
    elsewhere.unlink()
    assert find(ours, machine.roots) is None


def test_a_virtual_camera_is_the_one_at_its_path_with_its_name(machine: Machine) -> None:
    camera = machine.plug("video7", "x", card="Loopback")
    (machine.roots.video / "video7/device").unlink()
    ours = identify(camera, machine.roots)
    assert find(ours, machine.roots) == camera
    (machine.roots.video / "video7/name").write_text("C920\n")
    assert find(ours, machine.roots) is None


def test_a_link_that_the_user_named_is_kept(machine: Machine) -> None:
    machine.plug("video0", "1-2:1.0", link=LINK)
    named = Camera(str(machine.roots.dev / "v4l/by-id" / LINK))
    ours = identify(named, machine.roots)
    machine.unplug("video0")
    assert find(ours, machine.roots) is None
    machine.link(LINK, "video3")
    machine.plug("video3", "1-5:1.0", card="anything")
    assert find(ours, machine.roots) == named


def test_a_microphone_is_known_by_its_card_and_not_by_the_number(machine: Machine) -> None:
    listed = machine.roots.sound / "cards"
    listed.write_text(CARDS)
    ours = identify(Microphone("plughw:1,0"), machine.roots)
    assert (ours.card, find(ours, machine.roots)) == ("C920", Microphone("plughw:1,0"))
    listed.write_text(CARDS.split(" 1 [")[0])
    assert find(ours, machine.roots) is None
    listed.write_text(CARDS.replace(" 1 [C920", " 2 [C920"))
    assert find(ours, machine.roots) == Microphone("plughw:2,0")


@pytest.mark.parametrize(
    "source",
    [Microphone(), Microphone("pulse"), Microphone("hw:CARD=C920"), Microphone("hw:7"), Screen(":1"), Camera("HD")],
)
def test_what_has_a_lasting_name_is_opened_by_it(machine: Machine, source: Camera) -> None:
    assert find(identify(source, machine.roots), machine.roots) is source


def test_what_is_no_device_is_itself(machine: Machine) -> None:
    pattern = TestPattern()
    assert find(identify(pattern, machine.roots), machine.roots) is pattern


def test_the_list_of_sound_cards_is_read() -> None:
    assert cards(CARDS) == {0: "PCH", 1: "C920"}
    assert cards("--- no soundcards ---\n") == {}


@pytest.mark.parametrize(
    ("name", "now"),
    [("hw:0", "hw:1,0"), ("hw:0,3", "hw:1,3"), ("plughw:CARD=0,DEV=2", "plughw:1,2"), ("default", None)],
)
def test_a_name_follows_its_card(name: str, now: str | None) -> None:
    assert name_on_card(name, "C920", cards(CARDS)) == now
