"""Somebody else in the room, as a program sees them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from peer.errors import ExeuntError
from peer.events import (
    RemoteMediaEvent,
    RemoteUserFirstFrame,
    RemoteUserFrozen,
    RemoteUserMuted,
    RemoteUserPublished,
    RemoteUserResumed,
    RemoteUserSilent,
    RemoteUserSpeaking,
    RemoteUserUnmuted,
    RemoteUserUnpublished,
)
from peer.media.inbound import Freeze
from peer.media.receive import RemoteMedia
from signaling.messages import Extra, MediaKind

Tell = Callable[[RemoteMediaEvent], None]


@dataclass(slots=True)
class RemoteUser:
    """Somebody else in the room. `video` and `audio` last as long as the user stays, over reconnections too.

    `published` are the kinds of which they send something at the moment, as far as they have said: none before there is
    a connection. `muted` are those of which it is silence or black, or would be if they published it.
    """

    name: str
    session: str
    extra: Extra
    unreachable: bool = False
    video: RemoteMedia = field(default_factory=lambda: RemoteMedia("video"))
    audio: RemoteMedia = field(default_factory=lambda: RemoteMedia("audio"))
    published: frozenset[MediaKind] = frozenset()
    muted: frozenset[MediaKind] = frozenset()
    _came: set[MediaKind] = field(default_factory=set, repr=False)  # of which something has come
    _froze_at: float | None = field(default=None, repr=False)  # when the last picture before a freeze had come

    def close(self, because: ExeuntError | None = None) -> None:
        """End what reads this user's media; who waits for some gets the error."""
        for media in (self.video, self.audio):
            media.ended_by = because
            media.close()

    def report_to(self, tell: Tell) -> None:
        """Have `tell` called with what becomes of this user's media."""
        self.video.on_freeze = partial(self._flowed, "video", tell)
        self.audio.on_freeze = partial(self._flowed, "audio", tell)
        self.audio.on_speech = partial(self._spoke, tell)

    def sends(self, published: frozenset[MediaKind], muted: frozenset[MediaKind], tell: Tell) -> None:
        """Take in what the user says they send, and tell what that changes."""
        was_published, self.published = self.published, published
        was_muted, self.muted = self.muted, muted
        self.video.rest(is_resting="video" not in published - muted)
        for event, kinds in (
            (RemoteUserUnpublished, was_published - published),
            (RemoteUserPublished, published - was_published),
            (RemoteUserMuted, muted - was_muted),
            (RemoteUserUnmuted, was_muted - muted),
        ):
            for kind in sorted(kinds):
                tell(event(user=self.name, session=self.session, kind=kind))

    def _flowed(self, kind: MediaKind, tell: Tell, news: Freeze) -> None:
        """Take in what became of a stream; of several connections' streams only the first picture is the first."""
        if news is Freeze.FROZEN:
            self._froze(kind, tell)
            return
        if kind not in self._came:
            self._came.add(kind)
            tell(RemoteUserFirstFrame(user=self.name, session=self.session, kind=kind))
        if kind == "video" and self._froze_at is not None:
            frozen_for, self._froze_at = self.video.counts.last_frame_at - self._froze_at, None
            tell(RemoteUserResumed(user=self.name, session=self.session, frozen_for=frozen_for))

    def _froze(self, kind: MediaKind, tell: Tell) -> None:
        if kind == "video" and self._froze_at is None:
            self._froze_at = self.video.counts.last_frame_at
            tell(RemoteUserFrozen(user=self.name, session=self.session))

    def _spoke(self, tell: Tell, is_speaking: bool) -> None:
        event = RemoteUserSpeaking if is_speaking else RemoteUserSilent
        tell(event(user=self.name, session=self.session))
