"""The object that users hold: one user in one room, from entering to having left."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Unpack

from peer.capture import Kind
from peer.checks import (
    check_ban,
    check_extra,
    check_message,
    check_names,
    check_text,
    check_wait,
)
from peer.config import Options, PeerConfig
from peer.errors import UsageError
from peer.events import ExitReport
from peer.media.inbound_stats import CandidatePairStats, InboundRtpStats, inbound
from peer.media.sound_mixture import Mixture
from peer.media.stats import OutboundRtpStats, outbound
from peer.notice import Wait
from peer.quality import Quality
from peer.recording.recordings import Recordings
from peer.remote import RemoteUser
from peer.talking import Talker
from peer.visit import Visit
from signaling import messages as wire
from signaling.messages import Extra


class Peer(Talker):
    """One user in one room.

    `url` is the server's WebSocket, like `ws://127.0.0.1:8080/ws`. `extra` is a JSON object (at most 8 KiB) that the
    others see. Options are those of `PeerConfig`; given beside a `config`, they replace its values.

    Entering the `async with` block joins the room and raises `SignalingError` if that cannot be; leaving the block
    leaves the room, and returns once everybody has been told and every device is free.
    """

    def __init__(
        self,
        url: str,
        *,
        room: str,
        user: str,
        token: str | None = None,
        extra: Extra | None = None,
        config: PeerConfig | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__()
        check_names(room, user)
        check_extra(extra or {})
        self.url, self.name = url, user
        self._join = wire.Join(room=room, user=user, token=token, extra=dict(extra or {}))
        self._config = replace(config or PeerConfig(), **options)
        self._visit: Visit | None = None

    # -- entering and leaving --

    async def __aenter__(self) -> "Peer":
        if self._visit is not None:
            raise UsageError("a Peer enters once: make another for another visit")
        visit = Visit(self, self.url, self._join, self._config)
        visit.conversations.answer_with(self._responders)
        await visit.enter()
        self._visit = visit
        return self

    @property
    def is_inside(self) -> bool:
        """Whether the room was entered, even if it was left since."""
        return self._visit is not None

    @property
    def recordings(self) -> Recordings:
        """The recorders at work; each `Recorder` adds itself, and the exit finishes their files."""
        return self._here.recordings

    @property
    def room(self) -> str:
        """The room that we are in, or are to enter; another one after we were moved."""
        return self._join.room if self._visit is None else self._visit.room

    def stats(self) -> tuple[OutboundRtpStats | InboundRtpStats | CandidatePairStats, ...]:
        """Return what we send to each user, what we get of each, and which way that goes.

        For each user that is one entry for the picture and one for the sound that we send, the same for what has come,
        and one for the connection.
        """
        here = self._here
        sent = outbound(fanout.audience for fanout in here.publishing.fanouts.values())
        got = [one for user in here.users.values() for one in inbound(user.name, user.video, user.audio)]
        return (*sent, *got, *here.topology.pairs())

    def quality(self, user: str) -> Quality:
        """Return how good the connection with a user is, if it is looked at: see `PeerConfig.quality_interval`."""
        return self._here.grading.of(user)

    # -- the others, and the room --

    @property
    def users(self) -> Mapping[str, RemoteUser]:
        """Everybody else in the room, by name; a live view."""
        return MappingProxyType(self._here.users)

    @property
    def audio(self) -> Mixture:
        """Everybody's sound as one: `async for chunk in me.audio.chunks(rate=16_000, channels=1, ms=20)`."""
        users = self._here.users
        return Mixture(lambda: [user.audio for user in users.values()], lambda: self._here.leaving.exit.begun)

    async def user(self, name: str, *, timeout: float | None = None) -> RemoteUser:
        """Return somebody as soon as they are in the room, at once if they are.

        Raises `TimeoutError` after `timeout` seconds (None: never), and `LeftRoom` when we leave the room before.
        """
        return await self._here.waiting.until(lambda: self._here.users.get(name), f"{name} to come", timeout)

    async def until_alone(self, *, timeout: float | None = None) -> None:
        """Return as soon as nobody else is in the room, at once if nobody is. Raises as `user` does."""
        await self._here.waiting.until(lambda: None if self._here.users else True, "everybody else to leave", timeout)

    @property
    def session(self) -> str:
        """Our session's id: one stay of one user."""
        return self._here.session

    @property
    def grants(self) -> frozenset[str]:
        """What we may do here: "publish", "subscribe", "message", "moderate", "admin"."""
        return self._here.grants

    @property
    def extra(self) -> Extra:
        """What the others see of us beside our name."""
        return dict(self._visit.extra if self._visit else self._join.extra)

    def update_extra(self, extra: Extra) -> None:
        """Replace our `extra`; the others get `onRemoteUserUpdate`. Raises `UsageError` beyond 8 KiB of JSON."""
        check_extra(extra)
        self._here.extra = dict(extra)
        self._here.client.say(wire.UpdateExtra(extra=dict(extra)))

    async def kick(self, user: str, text: str | None = None, *, ban_for: float | None = None) -> None:
        """Remove somebody (grant `moderate`); returns when they are out. Raises `Refused`.

        With `ban_for` their name and their token are kept out of the room for that many seconds.
        """
        check_text(text)
        check_ban(ban_for)
        message = wire.Kick(user=user, text=text, ban_for=ban_for)
        await self._here.requests.ask(("kick", user), lambda: self._here.client.say(message))

    async def mute_user(self, user: str, kind: Kind | str) -> None:
        """Have somebody send silence or black (grant `moderate`), who may unmute; returns when they were asked to.

        Raises `Refused`.
        """
        message = wire.Mute(user=user, kind=Kind(kind).value)
        await self._here.requests.ask(("mute", f"{user} {message.kind}"), lambda: self._here.client.say(message))

    def send_message(self, topic: str, data: object = None, to: str | None = None) -> None:
        """Say something to everybody else, or to one user: they get `onMessage` (grant `message`).

        `data` is anything that JSON can say, of 16 KiB at most. What one user says is heard in its order. Who cannot
        be reached at the moment does not hear it, nor does who is not here. Raises `UsageError`.
        """
        check_message(topic, data)
        self._require("message")
        self._here.client.say(wire.Say(topic=topic, data=data, to=to))

    async def refresh_token(self, token: str) -> None:
        """Stay with a newer token, for the same room and user, instead of leaving when ours expires. Raises `Refused`.

        What it grants counts at once: what it does not let us send or receive is not sent or received any more.
        """
        message = wire.Refresh(token=token)
        await self._here.requests.ask(("refresh", token), lambda: self._here.client.say(message))

    async def dismiss(self, text: str | None = None, *, wait: Wait = "server") -> ExitReport:
        """Close the room for everybody, ourselves included (grant `moderate`). Raises `Refused`.

        With `wait` "everyone" our own exit comes when all others have acknowledged theirs; who did not in time is in
        `ExitReport.unacknowledged`.
        """
        check_text(text)
        check_wait(wait)
        message = wire.Dismiss(text=text, wait=wait == "everyone")
        await self._here.requests.ask(("dismiss", ""), lambda: self._here.client.say(message))
        return await self.wait_exited()

    @property
    def _here(self) -> Visit:
        if self._visit is None:
            raise UsageError("not in a room yet: enter it with `async with Peer(...) as me:`")
        return self._visit
