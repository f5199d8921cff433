"""The object that users hold: one user in one room, from entering to having left."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Unpack

from peer.capture import Kind, Source
from peer.checks import check_ban, check_bitrate, check_codec, check_extra, check_names, check_text, check_wait
from peer.config import Options, PeerConfig
from peer.errors import UsageError
from peer.events import DeviceRelease, ExitReport
from peer.exit import ExitState
from peer.hooks import EventStream, Hooks
from peer.media.encoders import codecs_of
from peer.media.sending import Sending
from peer.media.stats import OutboundRtpStats, outbound
from peer.notice import Wait
from peer.publishing import Publication
from peer.visit import RemoteUser, Visit
from signaling import messages as wire
from signaling.messages import Extra
from signaling.reasons import Reason


class Peer(Hooks):
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
        self.url, self.room, self.user = url, room, user
        self._join = wire.Join(room=room, user=user, token=token, extra=dict(extra or {}))
        self._config = replace(config or PeerConfig(), **options)
        self._visit: Visit | None = None

    # -- entering and leaving --

    async def __aenter__(self) -> "Peer":
        if self._visit is not None:
            raise UsageError("a Peer enters once: make another for another visit")
        visit = Visit(self, self.url, self._join, self._config)
        await visit.enter()
        self._visit = visit
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            self.request_exit(Reason.ERROR, f"{type(error).__name__}: {error}")
        else:
            self.request_exit(Reason.LEFT)
        await self._here.leaving.wait_even_if_cancelled()

    def request_exit(self, reason: Reason = Reason.LEFT, text: str | None = None, *, wait: Wait = "server") -> None:
        """Begin to leave and return at once. The first call counts; later ones change nothing."""
        check_wait(wait)
        self._here.leaving.begin(reason, text, wait)

    async def leave(self, *, wait: Wait = "server") -> ExitReport:
        """Leave the room; return how that went. Called again, or while we leave, it waits for the same exit.

        `wait` says what comes before the devices are released: "server", it has told everybody; "everyone", all others
        have acknowledged (who did not in time is in `ExitReport.unacknowledged`); None, the notice is on its way.
        Inside a handler of `on_exit_room` this returns the report as far as it is written.
        """
        self.request_exit(wait=wait)
        if self._here.leaving.is_current:
            return self._here.leaving.report()
        with self._here.dispatcher.waiting_for_exit():
            return await self._here.leaving.wait_even_if_cancelled()

    async def wait_exited(self) -> ExitReport:
        """Wait until we are out, for whatever reason. Cancelling this does not leave the room."""
        if self._here.leaving.is_current:
            return self._here.leaving.report()
        with self._here.dispatcher.waiting_for_exit():
            return await self._here.leaving.wait()

    @property
    def is_inside(self) -> bool:
        """Whether the room was entered, even if it was left since."""
        return self._visit is not None

    @property
    def state(self) -> ExitState:
        """How far leaving has come."""
        return self._here.leaving.exit.state

    # -- what we send --

    async def publish(
        self,
        source: Source,
        *,
        kinds: Iterable[Kind | str] | None = None,
        codec: str = "auto",
        encoder: str = "software",
        bitrate: int | None = None,
    ) -> Publication:
        """Send a camera, microphone, screen, file or test pattern to everybody, now and later; encoded once for all.

        `kinds` ("audio", "video") limits what is taken of a source that has both. One source for each kind at a time.
        `codec` of the picture: "h264", "vp8", or "auto", what all viewers take and is cheapest; a viewer that does not
        take it gets another. `encoder`: "software", "auto" (hardware where there is some), or an encoder's name, like
        "h264_nvenc". `bitrate`: of the picture, bits per second at most; None: what suits its size.
        Raises `DeviceError` if it cannot be opened, `UsageError` if something else is published already.
        """
        sending = Sending(_codec(codec, encoder), encoder, check_bitrate(bitrate))
        return await self._here.publishing.publish(source, None if kinds is None else map(Kind, kinds), sending)

    async def unpublish(self, source: Source | Publication) -> DeviceRelease:
        """Stop sending a source and release its device. Raises `UsageError` if it is not published."""
        for publication in self.publications:
            if source is publication or source is publication.source:
                return await self._here.publishing.unpublish(publication)
        raise UsageError("this source is not published")

    def mute(self, kind: Kind | str) -> None:
        """Send silence ("audio") or black ("video") until `unmute`. The device stays open."""
        self._here.publishing.fanouts[Kind(kind)].muted = True

    def unmute(self, kind: Kind | str) -> None:
        """Send what the device delivers again."""
        self._here.publishing.fanouts[Kind(kind)].muted = False

    @property
    def publications(self) -> tuple[Publication, ...]:
        """What is being sent."""
        return tuple(self._here.publishing.publications)

    def stats(self) -> tuple[OutboundRtpStats, ...]:
        """Return what we send to each user: one entry for the picture and one for the sound of each."""
        return outbound(fanout.audience for fanout in self._here.publishing.fanouts.values())

    # -- the others, and the room --

    @property
    def users(self) -> Mapping[str, RemoteUser]:
        """Everybody else in the room, by name; a live view."""
        return MappingProxyType(self._here.users)

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

    def events(self) -> EventStream:
        """Return what happens from now on, as an async iterator that ends after `ExitRoom`."""
        return self._here.dispatcher.stream()

    async def kick(self, user: str, text: str | None = None, *, ban_for: float | None = None) -> None:
        """Remove somebody (grant `moderate`); returns when they are out. Raises `Refused`.

        With `ban_for` their name and their token are kept out of the room for that many seconds.
        """
        check_text(text)
        check_ban(ban_for)
        message = wire.Kick(user=user, text=text, ban_for=ban_for)
        await self._here.requests.ask(("kick", user), lambda: self._here.client.say(message))

    async def dismiss(self, text: str | None = None) -> ExitReport:
        """Close the room for everybody, ourselves included (grant `moderate`). Raises `Refused`."""
        check_text(text)
        message = wire.Dismiss(text=text)
        await self._here.requests.ask(("dismiss", ""), lambda: self._here.client.say(message))
        return await self.wait_exited()

    @property
    def _here(self) -> Visit:
        if self._visit is None:
            raise UsageError("not in a room yet: enter it with `async with Peer(...) as me:`")
        return self._visit


def _codec(codec: str, encoder: str) -> str:
    """Return the codec that is asked for, by its name or by that of an encoder."""
    name, encoded = check_codec(codec), codecs_of(encoder)
    if name == "auto" and len(encoded) == 1:
        return encoded[0]
    if name not in ("auto", *encoded):
        raise UsageError(f"the encoder {encoder} encodes {encoded[0]}, not {name}")
    return name
