"""What we and the VideoRoom plugin of Janus (1.x, multistream) say to each other. A core.

A publisher's handle joins, hears who publishes, and may publish: one offer of ours. A subscriber's handle gets an offer
of Janus' for all streams that it is subscribed to, and another whenever these change; each is answered by `start`.
"""

from typing import Literal

import msgspec
from msgspec import Struct, field

from signaling.janus_words import Janus, janus_id, stay_name

VideoCodec = Literal["h264", "vp8"]

# -- what we say --


class Ask(Struct, frozen=True, kw_only=True, tag_field="request"):
    """Anything that is said to the plugin."""


class JoinAsPublisher(Ask, frozen=True, tag="join"):
    """Come in, and hear who publishes. `id` is who we are there, `display` proves it to our server."""

    room: int
    id: int
    display: str
    token: str
    pin: str
    ptype: Literal["publisher"] = "publisher"


class Publish(Ask, frozen=True, tag="publish", omit_defaults=True):
    """Publish what the offer beside it describes; `videocodec` is what Janus is to choose of it."""

    videocodec: VideoCodec | None = None


class Unpublish(Ask, frozen=True, tag="unpublish"):
    """Publish nothing any more."""


class Feed(Struct, frozen=True):
    """All that one publisher publishes."""

    feed: int


class JoinAsSubscriber(Ask, frozen=True, tag="join"):
    """Subscribe to the first streams. `private_id` says whose subscriptions these are."""

    room: int
    private_id: int
    pin: str
    streams: list[Feed]
    ptype: Literal["subscriber"] = "subscriber"


class Update(Ask, frozen=True, tag="update", omit_defaults=True):
    """Subscribe to more streams, and to others no more."""

    subscribe: list[Feed] = field(default_factory=list)
    unsubscribe: list[Feed] = field(default_factory=list)


class Start(Ask, frozen=True, tag="start"):
    """Here is the answer to the last offer."""


class ListParticipants(Ask, frozen=True, tag="listparticipants"):
    """Say who is in the room, and who of them publishes."""

    room: int


def come_in(media: Janus, session: str, stay: int) -> JoinAsPublisher:
    """Ask to come in as a session, with what our server told it; `stay` is a higher number each time."""
    name = stay_name(stay, media.token)
    return JoinAsPublisher(room=media.room, id=janus_id(session), display=name, token=media.token, pin=media.pin)


# -- what the plugin says --


class Publisher(Struct, frozen=True):
    """Somebody who publishes, or is in the room."""

    id: int
    display: str = ""
    publisher: bool = True  # false only in the list of participants


class Stream(Struct, frozen=True):
    """One m-line of a subscriber's: what it carries, if anything."""

    mid: str
    type: Literal["audio", "video", "data"]
    feed_id: int | None = None
    active: bool = True


class Said(Struct, frozen=True, kw_only=True, tag_field="videoroom"):
    """Anything that the plugin says."""


class Joined(Said, frozen=True, tag="joined"):
    """We are in as a publisher."""

    private_id: int
    publishers: list[Publisher] = field(default_factory=list)


class Attached(Said, frozen=True, tag="attached"):
    """We are subscribed; an offer comes with it."""

    streams: list[Stream] = field(default_factory=list)


class Updated(Said, frozen=True, tag="updated"):
    """We are subscribed to other streams; an offer comes with it, unless nothing changed."""

    streams: list[Stream] = field(default_factory=list)


class Updating(Said, frozen=True, tag="updating"):
    """It is being done; the offer comes when the one before is answered."""


class Participants(Said, frozen=True, tag="participants"):
    """Who is in the room."""

    participants: list[Publisher] = field(default_factory=list)


class Destroyed(Said, frozen=True, tag="destroyed"):
    """The room is over."""


class Happened(Said, frozen=True, tag="event"):
    """Something happened: who is in, publishes, does no more; "ok" instead of an id is the answer to what we asked."""

    publishers: list[Publisher] = field(default_factory=list)
    joining: Publisher | None = None  # who has come in, and publishes nothing yet
    unpublished: int | Literal["ok"] | None = None
    leaving: int | Literal["ok"] | None = None
    kicked: int | None = None

    @property
    def gone(self) -> int | None:
        """Who publishes no more, if anybody."""
        ids = (self.unpublished, self.leaving, self.kicked)
        return next((one for one in ids if isinstance(one, int)), None)

    @property
    def out(self) -> int | None:
        """Who is in the room no more, if anybody."""
        return next((one for one in (self.leaving, self.kicked) if isinstance(one, int)), None)

    @property
    def is_ours(self) -> bool:
        """Whether it is we who are out: by a request of ours, or because somebody has thrown us out."""
        return "ok" in (self.unpublished, self.leaving)


RoomWord = Joined | Attached | Updated | Updating | Participants | Destroyed | Happened

_decoder: msgspec.json.Decoder[RoomWord] = msgspec.json.Decoder(RoomWord)


def decode(data: msgspec.Raw) -> RoomWord | None:
    """Read what the plugin said; None: nothing that we know."""
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError:
        return None
