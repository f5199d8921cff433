"""Looks at the connections now and then, and tells when the grade of one changes. `quality.py` decides."""

import asyncio
from collections.abc import Callable, Mapping

from peer.events import Event, RemoteUserQuality
from peer.media.stats import OutboundRtpStats, outbound
from peer.publishing import Publishing
from peer.quality import Grades, Quality, Received, Sample
from peer.remote import RemoteUser


class Grading:
    """The grades of everybody in the room, every `interval` seconds; 0: nobody is looked at."""

    def __init__(
        self, users: Mapping[str, RemoteUser], publishing: Publishing, put: Callable[[Event], None], interval: float
    ) -> None:
        self._users, self._publishing, self._put, self._interval = users, publishing, put, interval
        self._grades = Grades()
        self._was_sent: set[str] = set()  # users to whom something was sent at the last look
        self._received: dict[str, Received] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look."""
        if self._interval:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._look)

    def close(self) -> None:
        """Look no more. May be called twice."""
        if self._timer is not None:
            self._timer.cancel()

    def of(self, user: str) -> Quality:
        """Return a user's grade."""
        return self._grades.of(user)

    def _look(self) -> None:
        self.start()
        streams = outbound(fanout.audience for fanout in self._publishing.fanouts.values())
        is_sent = {stream.user for stream in streams}
        samples = {
            name: self._sample(user, [one for one in streams if one.user == name]) for name, user in self._users.items()
        }
        self._received = {name: _received(user) for name, user in self._users.items()}
        self._was_sent = (self._was_sent & samples.keys()) | is_sent
        for name, quality in self._grades.look(samples).items():
            self._put(RemoteUserQuality(user=name, session=self._users[name].session, quality=quality))

    def _sample(self, user: RemoteUser, streams: list[OutboundRtpStats]) -> Sample:
        """Return what is known of a connection: of what we send, by the receiver's reports, and of what comes."""
        lost, frozen = _received(user).since(self._received.get(user.name), self._interval)
        reported = [one for one in streams if one.round_trip_time is not None]
        losses = [one.fraction_lost for one in reported] + ([] if lost is None else [lost])
        return Sample(
            loss=max(losses, default=None),
            round_trip=max((one.round_trip_time or 0.0 for one in reported), default=None),
            frozen=frozen,
            is_down=user.unreachable or (user.name in self._was_sent and not streams),
        )


def _received(user: RemoteUser) -> Received:
    counts = (user.video.counts, user.audio.counts)
    return Received(
        packets=sum(one.packets_received for one in counts),
        lost=sum(one.packets_lost for one in counts),
        frozen=user.video.counts.total_freezes_duration,
    )
