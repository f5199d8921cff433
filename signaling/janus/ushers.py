"""Our own participants, one in each VideoRoom: they hear who comes in, publishes and leaves there."""

import secrets
from collections.abc import Callable
from functools import partial

from signaling.janus import hosting
from signaling.janus.asking import ask
from signaling.janus.care import Care
from signaling.janus.failures import Code, JanusFailure, JanusRefused, JanusUnreachable
from signaling.janus.protocol import Detached, Event, HandleWord
from signaling.janus.session import Handle, JanusSession
from signaling.janus.videoroom import Destroyed, Happened, ListParticipants, Publisher, come_in, decode
from signaling.janus_words import janus_id, stay_of


class Ushers:
    """Those of one session with a Janus. `care` hears who is in, and `wake` is called then.

    `session` is as whom they are let in: nobody else's, nor that of another node's ushers.
    """

    def __init__(self, janus: JanusSession, care: Care, secret: str, wake: Callable[[], None]) -> None:
        self.session = f"usher {secrets.token_hex(8)}"
        self._janus = janus
        self._wake = wake
        self._care = care
        self._secret = secret
        self._in: dict[int, Handle] = {}
        self._out: list[Handle] = []  # handles of those who are in no more
        self._told: dict[int, set[int]] = {}  # whom Janus has told of since it was asked for a list

    async def watch(self, handle: Handle, number: int) -> None:
        """Say who is in a VideoRoom, now and from now on. Raises `JanusFailure`.

        A word may overtake the list that was asked for before it, and counts more.
        """
        if number not in self._in:
            await self._enter(number)
        told = self._told[number] = set()
        try:
            present = await ask(handle, ListParticipants(room=number), hosting.Present)
        finally:
            del self._told[number]
        listed = {one.id for one in present.participants}
        for participant in self._care.missing(number, listed) - told:
            self._care.left(number, participant)
        for one in present.participants:
            if one.id not in told:
                self._judge(number, one, publishes=one.publisher)

    async def tidy(self) -> None:
        """Leave VideoRooms that are not ours any more."""
        for number in [number for number in self._in if number not in self._care]:
            self._out.append(self._in.pop(number))
        while self._out:
            await self._out.pop().detach()

    async def _enter(self, number: int) -> None:
        """Have one of ours come in. Raises `JanusFailure`: `JanusRefused` only if there is no such VideoRoom."""
        usher = await self._janus.attach(partial(self._heard, number))
        media = hosting.told(hosting.VideoRoom(self._janus.url, number), self.session, self._secret)
        try:
            await usher.ask(come_in(media, self.session, 1))
        except JanusFailure as error:
            await usher.detach()
            if isinstance(error, JanusRefused) and error.code != Code.NO_SUCH_ROOM:
                raise JanusUnreachable(f"we are not let in: {error}") from error  # another node sees to it, too
            raise
        self._in[number] = usher

    def _heard(self, number: int, word: HandleWord) -> None:
        said = decode(word.plugindata.data) if isinstance(word, Event) else None
        if isinstance(said, Happened) and not said.is_ours:
            self._happened(number, said)
            self._wake()
        elif isinstance(said, Destroyed | Happened) or isinstance(word, Detached):
            self._is_out(number)

    def _happened(self, number: int, said: Happened) -> None:
        told = self._told.get(number, set())
        if said.out is not None:
            told.add(said.out)
            self._care.left(number, said.out)
        if said.joining is not None:
            told.add(said.joining.id)
            self._judge(number, said.joining, publishes=False)
        for one in said.publishers:
            told.add(one.id)
            self._judge(number, one, publishes=True)

    def _is_out(self, number: int) -> None:
        """Another node has removed ours, or the VideoRoom is over: the next look says which."""
        if number in self._in:
            self._out.append(self._in.pop(number))

    def _judge(self, number: int, one: Publisher | hosting.Participant, *, publishes: bool) -> None:
        if one.id == janus_id(self.session) and not publishes:
            return  # ours, in whose place nobody can be while they are in
        session = self._care.session(number, one.id)
        token = None if session is None else hosting.token_of(number, session, self._secret)
        stay = None if token is None else stay_of(one.display, token)
        self._care.saw(number, one.id, stay, publishes=publishes)
