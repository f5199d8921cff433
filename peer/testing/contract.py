"""Whether the exit contract was kept, as journals tell. Pure.

For every stay that has ended: whoever was in the room was told once; the devices were let go, and not before the notice
went out; the leaver's `exitRoom` came once, last, and in time. What a dead process or a closed page could not say is
not asked of it.
"""

from collections.abc import Iterable, Sequence

from signaling.entry import Entry
from signaling.reasons import Reason

TOTAL_LIMIT = 10.0  # seconds that an exit may take: the sum of the limits of its steps
UNTOLD = (Reason.DISMISSED, Reason.SERVER_SHUTDOWN)  # everybody leaves at once: nobody has to be told
UNHEARD = (Reason.CRASHED, Reason.NETWORK_LOST)  # the leaver may be dead
PAGE = "page "  # who wrote a line: a page, or with "peer " a peer, followed by ROOM/USER


def breaches(entries: Sequence[Entry], *, user: str | None = None, limit: float = TOTAL_LIMIT) -> list[str]:
    """Return what was broken of the exit contract, a sentence each; empty: it was kept.

    `entries` are of the server, and of all peers and pages of this machine, in order. `user` looks at the exits of one
    user only; somebody must have left. `limit`: seconds that an exit may take.
    """
    ended = [line for line in entries if line.event == "exited" and line.is_by_server and user in (None, line.user)]
    if not ended:
        return [f"nobody{f' called {user}' if user else ''} has left, as the server's journal tells"]
    return [breach for line in ended for breach in _of_stay(entries, line, limit)]


def _of_stay(entries: Sequence[Entry], ended: Entry, limit: float) -> list[str]:
    place = f"{ended.room}/{ended.user}"
    own = [line for line in entries if line.session == ended.session and place_of(line) == place]
    found = [
        *_of_notices(entries, ended, place),
        *_of_exit(own, ended),
        *_of_devices(own),
        *_of_order(entries, own, ended),
        *(f"the exit took {line.total:.1f} s" for line in own if (line.total or 0.0) > limit),
    ]
    return [f"{ended.user} ({ended.reason}): {text}" for text in found]


def place_of(line: Entry) -> str:
    """Return ROOM/USER of the peer or the page that wrote a line; empty for the server."""
    return line.who.partition(" ")[2]


def _of_notices(entries: Sequence[Entry], ended: Entry, place: str) -> list[str]:
    """Whether the others were told, each once."""
    told = [
        place_of(line)
        for line in entries
        if line.event == "remoteUserLeave" and line.session == ended.session and place_of(line) not in ("", place)
    ]
    twice = [f"{who} was told {told.count(who)} times" for who in dict.fromkeys(told) if told.count(who) > 1]
    if ended.reason in UNTOLD:
        return twice
    return [*twice, *(f"{who} was not told" for who in _others(entries, ended) if who not in told)]


def _of_exit(own: Sequence[Entry], ended: Entry) -> list[str]:
    """Whether the leaver was told once, and nothing after."""
    exits = [line for line in own if line.event == "exitRoom"]
    is_excused = not own or own[0].who.startswith(PAGE) or ended.reason in UNHEARD
    if len(exits) != 1:
        return [] if is_excused and not exits else [f"onExitRoom fired {len(exits)} times"]
    later = own[own.index(exits[0]) + 1 :]
    return [f"{line.event} came after onExitRoom" for line in later if line.event != "step"]


def _of_devices(own: Iterable[Entry]) -> list[str]:
    return [f"the {line.device} was not let go" for line in own if line.event == "released" and line.outcome == "stuck"]


def _of_order(entries: Sequence[Entry], own: Sequence[Entry], ended: Entry) -> list[str]:
    """Whether the notice was sent before the devices were let go. Who lost the network cannot wait for that."""
    leaving = next((at for at, line in enumerate(own) if line.event == "leaving"), len(own))
    released = [line.mono for line in own[leaving:] if line.event == "released"]
    sent = [line.mono for line in entries if line.session == ended.session and _is_notice(line)]
    is_early = bool(sent and released) and min(released) < min(sent) and ended.reason not in UNHEARD
    return ["a device was let go before the others were told"] if is_early else []


def _is_notice(line: Entry) -> bool:
    return line.is_by_server and line.event == "remoteUserLeave"


def _others(entries: Sequence[Entry], ended: Entry) -> list[str]:
    """Return who could be told when the session ended: in the room, connected, not leaving, and keeping a journal."""
    inside: dict[str, str] = {}
    away: set[str] = set()
    for line in entries[: entries.index(ended)]:
        session = line.session or ""
        if line.event == "joined" and line.room == ended.room:
            inside[session] = f"{line.room}/{line.user}"
        elif line.event in ("exited", "moved", "leaving"):
            inside.pop(session, None)
        elif line.event == "socketLost":
            away.add(session)
        elif line.event == "resumed":
            away.discard(session)
    writers = {place_of(line) for line in entries}
    return [place for session, place in inside.items() if session not in away | {ended.session} and place in writers]
