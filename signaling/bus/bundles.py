"""What is asked of Redis at one time, in as few steps as it can be: the same things happen in the same order. A core.

A room in which much is said asks for many commits in one turn of the loop that write nothing but send. As one step,
they cost one run of the script and one parcel for each node, however many they are.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from signaling.cluster.acts import Claim, Commit, Post
from signaling.cluster.wire import AnyFrame

Ask = Claim | Commit | Post


def bundled(acts: Iterable[Ask]) -> list[list[Ask]]:
    """Return acts in their order, those that can be one step together."""
    bundles: list[list[Ask]] = []
    for act in acts:
        if bundles and _goes_with(bundles[-1][-1], act):
            bundles[-1].append(act)
        else:
            bundles.append([act])
    return bundles


def as_one(bundle: Sequence[Ask]) -> Ask:
    """Return one act that does all that those of a bundle do."""
    first, last = bundle[0], bundle[-1]
    if len(bundle) == 1:
        return first
    if isinstance(first, Post):
        return Post(first.node, tuple(frame for act in bundle if isinstance(act, Post) for frame in act.frames))
    assert isinstance(first, Commit)
    assert isinstance(last, Commit)
    frames: dict[str, list[AnyFrame]] = {}
    for act in bundle:
        for node, some in act.frames.items() if isinstance(act, Commit) else ():
            frames.setdefault(node, []).extend(some)
    return replace(first, number=last.number, seq=last.seq, frames=frames)


def _goes_with(before: Ask, act: Ask) -> bool:
    match before, act:
        case Post(node), Post(other):
            return node == other
        case Commit(), Commit():
            is_plain = not (act.put or act.cut or act.about or act.bans or act.unheard or act.is_last)
            return is_plain and not before.is_last and (before.room, before.epoch) == (act.room, act.epoch)
        case _:
            return False
