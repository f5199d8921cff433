"""What everybody does who is somewhere: send media, be told what happens, and leave properly, once."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import TracebackType
from typing import Protocol, Self

from peer.capture import Kind, Source
from peer.checks import check_wait
from peer.dispatch import Dispatcher
from peer.errors import UsageError
from peer.events import DeviceRelease, ExitReport
from peer.exit import ExitState
from peer.hooks import EventStream, Hooks
from peer.leaving import Leaving
from peer.media.inbound_stats import CandidatePairStats, InboundRtpStats
from peer.media.stats import OutboundRtpStats
from peer.notice import Wait
from peer.publishing import Publication, Publishing, sending_as
from peer.quality import Quality
from signaling.reasons import Reason


class Inside(Protocol):
    """A stay, from having entered on."""

    publishing: Publishing
    dispatcher: Dispatcher
    leaving: Leaving

    @property
    def grants(self) -> frozenset[str]:
        """What we may do."""

    def mute(self, kind: str, *, is_muted: bool) -> None:
        """Send silence or black in the place of a kind, or no longer."""


class Stay(Hooks, ABC):
    """One stay somewhere, as an `async with` block: leaving the block leaves, and returns once every device is free."""

    @property
    @abstractmethod
    def is_inside(self) -> bool:
        """Whether we have entered, even if we have left since."""

    @property
    @abstractmethod
    def _here(self) -> Inside:
        """Where we are. Raises `UsageError` if that is nowhere."""

    @property
    @abstractmethod
    def room(self) -> str:
        """Where we are, or are to be."""

    @abstractmethod
    async def __aenter__(self) -> Self: ...

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
        """Leave; return how that went. Called again, or while we leave, it waits for the same exit.

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
        """Wait until we are out, for whatever reason. Cancelling this does not leave."""
        if self._here.leaving.is_current:
            return self._here.leaving.report()
        with self._here.dispatcher.waiting_for_exit():
            return await self._here.leaving.wait()

    @property
    def state(self) -> ExitState:
        """How far leaving has come."""
        return self._here.leaving.exit.state

    def events(self) -> EventStream:
        """Return what happens from now on, as an async iterator that ends after `ExitRoom`."""
        return self._here.dispatcher.stream()


class Participant(Stay):
    """A stay in which we may send media."""

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
        What a file or camera delivers as H.264, VP8 or Opus already is sent as it is to whoever takes it, unless
        another codec or a bitrate is asked for.
        Raises `DeviceError` if it cannot be opened, `UsageError` if something else is published already or our token
        does not let us publish.
        """
        self._require("publish")
        sending = sending_as(codec, encoder, bitrate)
        return await self._here.publishing.publish(source, None if kinds is None else map(Kind, kinds), sending)

    async def unpublish(self, source: Source | Publication) -> DeviceRelease:
        """Stop sending a source and release its device. Raises `UsageError` if it is not published."""
        for publication in self.publications:
            if source is publication or source is publication.source:
                return await self._here.publishing.unpublish(publication)
        raise UsageError("this source is not published")

    def mute(self, kind: Kind | str) -> None:
        """Send silence ("audio") or black ("video") until `unmute`; the others are told. The device stays open."""
        self._here.mute(Kind(kind), is_muted=True)

    def unmute(self, kind: Kind | str) -> None:
        """Send what the device delivers again."""
        self._here.mute(Kind(kind), is_muted=False)

    @property
    def publications(self) -> tuple[Publication, ...]:
        """What is being sent."""
        return tuple(self._here.publishing.publications)

    @abstractmethod
    def stats(self) -> tuple[OutboundRtpStats | InboundRtpStats | CandidatePairStats, ...]:
        """Return what we send and get, and which way that goes."""

    def quality(self, user: str) -> Quality:
        """Return how good the connection with a user is, as far as that is looked at."""
        return Quality.UNKNOWN

    def _require(self, grant: str) -> None:
        if grant not in self._here.grants:
            raise UsageError(f"our token does not let us do that: it lacks the grant {grant!r}")
