"""The objects that users hold: who publishes to a WHIP endpoint, and who plays from a WHEP endpoint."""

from abc import abstractmethod
from dataclasses import replace
from typing import Self, Unpack

from peer.config import Options, PeerConfig
from peer.errors import UsageError
from peer.media.inbound_stats import CandidatePairStats, InboundRtpStats, inbound
from peer.media.receive import RemoteMedia
from peer.media.stats import OutboundRtpStats, outbound
from peer.participant import Participant, Stay
from peer.whip.answers import endpoint
from peer.whip.session import WhipSession


class _Client(Stay):
    def __init__(
        self, url: str, *, token: str | None = None, config: PeerConfig | None = None, **options: Unpack[Options]
    ) -> None:
        super().__init__()
        self.url = str(endpoint(url))
        if token is not None and not (token.isascii() and token.isprintable() and token):
            raise UsageError("a bearer token is ASCII without control characters")
        self._token = token
        self._config = replace(config or PeerConfig(), **options)
        self._session: WhipSession | None = None

    async def __aenter__(self) -> Self:
        if self._session is not None:
            raise UsageError(f"a {type(self).__name__} enters once: make another for another session")
        session = WhipSession(self, self.url, self._token, self._config, receives=self._receives)
        await session.enter()
        self._session = session
        return self

    @property
    @abstractmethod
    def _receives(self) -> bool: ...

    @property
    def is_inside(self) -> bool:
        """Whether the session was begun, even if it is over since."""
        return self._session is not None

    @property
    def room(self) -> str:
        """Where we are: the address of the endpoint."""
        return self.url

    @property
    def _here(self) -> WhipSession:
        if self._session is None:
            raise UsageError(f"there is no session yet: enter it with `async with {type(self).__name__}(...) as me:`")
        return self._session

    def _pairs(self) -> tuple[CandidatePairStats, ...]:
        connection = self._here.connection
        pair = None if connection is None else connection.selected_pair()
        return () if pair is None else (pair,)


class WhipPublisher(_Client, Participant):
    """Publishes to a WHIP endpoint (RFC 9725): a media server, or a room of ours.

        async with WhipPublisher("https://example.org/whip/lobby", token=token) as me:
            await me.publish(Camera())
            await me.wait_exited()

    `token` goes along as the bearer of every request, also where the endpoint redirects us or says that the session
    is, but not from https to http. Options are those of `PeerConfig` that concern media and leaving; ICE servers that
    the endpoint names to an OPTIONS request are used unless `ice_servers` are given.

    Entering makes the offer and returns once media can flow. It raises `Rejected` if the server says no, after a busy
    one was asked again for `connect_limit` seconds, and `ServerUnreachable`. Leaving tells the server (DELETE), then
    releases every device, then fires `on_exit_room`. A session that the server has ended is left as `kicked`, one whose
    media connection is lost as `network_lost`.
    """

    _receives = False

    def stats(self) -> tuple[OutboundRtpStats | InboundRtpStats | CandidatePairStats, ...]:
        """Return what we send, picture and sound, and which way that goes."""
        return (*outbound(fanout.audience for fanout in self._here.publishing.fanouts.values()), *self._pairs())


class WhepPlayer(_Client):
    """Plays what a WHEP endpoint sends: `video` and `audio` are read as those of a user in a room.

    async with WhepPlayer("https://example.org/whep/lobby/ana", token=token) as player:
        async for frame in player.video.frames(format="rgb24"):
            ...

    Arguments, errors and the exit are those of `WhipPublisher`. Reading ends when the session does.
    """

    _receives = True

    @property
    def video(self) -> RemoteMedia:
        """The picture that comes."""
        return self._here.remote.video

    @property
    def audio(self) -> RemoteMedia:
        """The sound that comes."""
        return self._here.remote.audio

    def stats(self) -> tuple[InboundRtpStats | CandidatePairStats, ...]:
        """Return what has come, picture and sound, and which way that goes."""
        remote = self._here.remote
        return (*inbound(remote.name, remote.video, remote.audio), *self._pairs())
