"""A room that has become this node's, or is so still: who of it is there, before anything happens in it. A core.

others      us
◄── Owned ──  also to ourselves: what we read before it the former owner said
── Sync ───►  found · missing · let in again · refused
              settled: written down, told, and all that waited is heard
"""

from collections import deque
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from signaling.cluster.acts import Act, Clock, HangUp, Post, Run
from signaling.cluster.copies import decode_room, latest
from signaling.cluster.ownership import LIFE, SETTLE_LIMIT, Gathering, Pending, Phase, Place
from signaling.cluster.returning import corrected, find, found, missing, part, welcome
from signaling.cluster.running import Running
from signaling.cluster.wire import AnyFrame, Asked, Begun, Deliver, Drop, Input, Present, Said, Sync
from signaling.effects import Effect
from signaling.members import Member
from signaling.messages import ExitRoom, Leave, encode
from signaling.reasons import Detection, Reason
from signaling.room import Room
from signaling.snapshot import RoomRecord


class RollCall(Running):
    """Rooms whose members have to be found."""

    def _gather(self, place: Place, gathering: Gathering, clock: Clock) -> list[Act]:
        """Ask nodes whom of the room they have. Who said something to a former owner is asked to say it again."""
        gathering.awaited |= {self.node, *_homes(place.waiting)}
        # After Redis was away the others are on their way back as well.
        gathering.until = clock.now + (LIFE if gathering.is_lost else SETTLE_LIMIT)
        gathering.has_read = False
        place.phase, place.gathering = Phase.SETTLING, gathering
        self._gathering[place.name] = None
        place.waiting = deque(one for one in place.waiting if isinstance(one, Asked) or one.home == self.node)
        return [Post(node, (self._owned(place),)) for node in sorted(gathering.awaited)]

    def _synced(self, place: Place, sync: Sync, clock: Clock) -> list[Act]:
        gathering = place.gathering
        if gathering is None:
            acts = self._take_in(place, sync, clock)
            begun = self._tell_begun(place, [sync.home])
            return [*acts, *begun, *self._run_all(place, sync.said, clock)]
        gathering.syncs[sync.home] = sync
        place.waiting.extend(one for one in sync.said if one.home != self.node)  # what was said here is asked for later
        gathering.awaited.discard(sync.home)
        return self._settle_if_known(place, gathering, clock)

    def _settle_if_known(self, place: Place, gathering: Gathering, clock: Clock) -> list[Act]:
        gathering.has_read |= self.node not in gathering.awaited
        if not gathering.awaited:
            gathering.until = min(gathering.until, gathering.not_before)
        return self._settle(place, gathering, clock) if gathering.deadline <= clock.now else []

    def _recover(self, place: Place, gathering: Gathering, clock: Clock) -> None:
        """Nothing is written of the room: go on with the latest of all copies, which may be our own."""
        last, room = latest(gathering.syncs.values()), self._lobby.find(place.name)
        if last is None or (room is not None and room.seq >= last.seq):
            return
        self._forget(place)
        place.heard.clear()
        gathering.kept_back.clear()
        gathering.back.clear()
        self._restore(gathering, decode_room(place.name, last.seq, last.records, last.about), clock)

    def _restore(self, gathering: Gathering, record: RoomRecord, clock: Clock) -> None:
        """Know a room from a record: everybody in it is unreachable until found."""
        self._lobby.restore(record, now=clock.now, wall=clock.wall)
        gathering.told_lost = {one.session for one in record.members if one.last_seen is not None}

    def _forget(self, place: Place) -> Room | None:
        room = self._lobby.forget(place.name)
        if room is not None:
            for session in [*(member.session for member in room.members), *room.leavers]:
                self._homes.pop(session)
        return room

    # -- one node's sessions --

    def _take_in(self, place: Place, sync: Sync, clock: Clock) -> list[Act]:
        """Take in whom of a room a node has."""
        effects: list[Effect] = []
        refused: list[Present] = []
        outdated: list[Present] = []
        redirected: list[Act] = []
        for present in sync.sessions:
            room = self._lobby.find(place.name)
            member = None if room is None else find(room, present.session)
            if present.resumes or (member is None and present.record is None):
                continue  # it will be heard
            if room is not None and present.session in room.leavers:
                self._homes.settle(present.session, sync.home, present.connection)
                continue  # it will hear its last word
            if room is not None and member is not None and (present.record is None or member.can_have_heard(sync.seq)):
                is_later = present.record is None or present.record.turn >= member.turn
                effects += self._find(place, room, member, present, sync, clock) if is_later else []
                outdated += [] if is_later else [present]
            elif (moving := self._departures.since(place.name, present.record)) is not None:
                redirected += self._redirect(place, sync.home, moving)
            else:
                refused.append(present)
        effects += self._miss(place, sync, clock)
        if (room := self._lobby.find(place.name)) is not None:
            self._lobby.follow(room, [], clock.now)
        gone = self._refuse(place, sync, refused, outdated)
        return [*redirected, *gone, *self._carry_some(place, effects, clock)]

    def _find(
        self, place: Place, room: Room, member: Member, present: Present, sync: Sync, clock: Clock
    ) -> list[Effect]:
        """A member's socket is there: silently so, unless the others know it as unreachable."""
        turn = 0 if present.record is None else present.record.turn
        if member.is_here and turn <= member.turn:
            return []  # it is where we know it
        is_new = member.is_here
        member.turn = max(member.turn, turn)
        self._homes.settle(present.session, sync.home, present.connection)
        if place.gathering is None:
            return welcome(room, member, sync.seq, now=clock.now, wall=clock.wall)
        if sync.seq < room.seq:
            place.gathering.behind.add(member.session)
        if is_new or member.session not in place.gathering.told_lost:
            found(room, member)
            return []
        place.gathering.back[member.session] = sync.seq
        return []

    def _refuse(self, place: Place, sync: Sync, out: list[Present], outdated: list[Present]) -> list[Act]:
        """Let go of sockets: of clients who are out and may not have heard why, and of those who have a later one."""
        frames: list[AnyFrame] = []
        for one in out:
            text = encode(self._last_word(one.session) if one.leave is None else _last_word_to(one.leave))
            frames.append(Deliver(room=place.name, seq=sync.seq, sessions=(one.session,), text=text))
        frames += [Drop(session=one.session, connection=one.connection) for one in [*out, *outdated]]
        return self._tell(place, sync.home, frames) if frames else []

    def _tell_begun(self, place: Place, homes: Iterable[str]) -> list[Act]:
        """Let those who ran the room, and have nobody in it, forget it."""
        others = (home for home in homes if home != self.node)
        return [act for home in others for act in self._tell(place, home, [Begun(room=place.name)])]

    def _drop(self, sessions: list[Present]) -> list[Act]:
        """Have sockets of this node closed."""
        here = [one.session for one in sessions if self._edge.has(one.session, one.connection)]
        for session in here:
            self._edge.close(session, self._places)
        return [HangUp(session) for session in here]

    def _miss(self, place: Place, sync: Sync, clock: Clock) -> list[Effect]:
        """Note who is not any more where they were."""
        room = self._lobby.find(place.name)
        if room is None or place.gathering is not None:
            return []  # nobody is anywhere yet but where they were found
        present = {one.session for one in sync.sessions}
        absent = [one.session for one in room.members if one.session not in present]
        gone = [session for session in absent if self._homes.is_at(session, sync.home)]
        for session in gone:
            self._homes.pop(session)
        lost = (self._lobby.lost(session, clock.now, clock.now, Detection.SOCKET_CLOSED) for session in gone)
        return [effect for effects in lost for effect in effects]

    # -- the end of it --

    def _settle(self, place: Place, gathering: Gathering, clock: Clock) -> list[Act]:
        """Everybody has said whom they have, or had the time: write that down, tell who is missing, and go on."""
        if gathering.is_lost:
            self._recover(place, gathering, clock)
        syncs = list(gathering.syncs.values())
        acts = [act for one in gathering.kept_back for act in self._commit_again(place, one)]
        acts += [act for sync in syncs for act in self._take_in(place, sync, clock)]
        if (room := self._lobby.find(place.name)) is not None:
            acts += self._go_on_from(place, room, gathering, clock)
        acts += self._tell_begun(place, gathering.syncs)
        acts += self._begin(place, clock, is_ours_anew=True)
        return [*acts, *self._correct(place, gathering, clock)]

    def _go_on_from(self, place: Place, room: Room, gathering: Gathering, clock: Clock) -> list[Act]:
        """Write down what is known of the room now, and tell who is missing and who is back."""
        if gathering.is_lost:
            part(room, room.seq)
        room.seq = max(room.seq, place.epoch)
        effects = self._welcome_back(room, gathering, clock) + missing(room, gathering.told_lost)
        written = self._write_all(place, room, clock)
        return [*written, *self._carry_some(place, self._lobby.follow(room, effects, clock.now), clock)]

    def _correct(self, place: Place, gathering: Gathering, clock: Clock) -> list[Act]:
        """Tell who is in to those who may have missed something; last, so that who was on the way in is in for them."""
        room = self._lobby.find(place.name)
        if room is None or place.phase is not Phase.HERE:
            return []
        behind = None if gathering.tells_all else gathering.behind
        effects = corrected(room, behind, now=clock.now, wall=clock.wall)
        return self._carry_some(place, self._lobby.follow(room, effects, clock.now), clock)

    def _welcome_back(self, room: Room, gathering: Gathering, clock: Clock) -> list[Effect]:
        members = ((find(room, session), seq) for session, seq in gathering.back.items())
        welcomes = (
            welcome(room, member, seq, now=clock.now, wall=clock.wall) for member, seq in members if member is not None
        )
        return [effect for effects in welcomes for effect in effects]

    def _commit_again(self, place: Place, pending: Pending) -> list[Act]:
        """Have written and sent under our new epoch what we decided in the one before."""
        place.number += 1
        commit = pending.commit and replace(pending.commit, epoch=place.epoch, number=place.number)
        place.pending.append(Pending(pending.effects, commit, pending.heard))
        return [] if commit is None else [commit]

    def _begin(self, place: Place, clock: Clock, *, is_ours_anew: bool = False) -> list[Act]:
        """Run the room from now on, with what has waited for that; anew, with all that nobody has answered for."""
        place.phase, place.gathering, place.copy, place.was_ours = Phase.HERE, None, None, False
        waiting = list(place.waiting)
        place.waiting.clear()
        if is_ours_anew:
            waited = (one for one in waiting if not (isinstance(one, Said) and self._edge.repeats(one)))
            waiting = [*self._edge.sync(place, None).said, *waited]
        acts = self._run_all(place, waiting, clock)
        is_asked = any(isinstance(act, Run) for act in acts)  # who asks may have the room exist, and sees to its end
        is_over = place.phase is Phase.HERE and self._lobby.find(place.name) is None and not is_asked
        return [*acts, *(self._carry(place, [], clock) if is_over else [])]

    def _run_all(self, place: Place, frames: Sequence[Input], clock: Clock) -> list[Act]:
        acts: list[Act] = []
        for frame in frames:
            if place.phase is Phase.HERE:
                acts += self._run(place, frame, clock)
            else:
                place.waiting.append(frame)
        return acts


def _homes(waiting: "deque[Input]") -> set[str]:
    return {one.home for one in waiting if not isinstance(one, Asked)}


def _last_word_to(leave: Leave) -> ExitRoom:
    """Return what somebody is to hear who wanted to leave, and has."""
    return ExitRoom(reason=Reason.ERROR if leave.failed else Reason.LEFT)
