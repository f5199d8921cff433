"""Everything that nodes say to each other, and its form: MessagePack, decoded once, here. A core.

    edge (holds the socket)                     owner (runs the room)
    ── Said · Lost ───────────────────────────► decides
    ◄───────────────── Deliver · Placed ·
                Take · Drop · Moving · Heard · Copied ──
    ◄───────────────── Owned ──────────────────  has just become the owner, or knows who is
    ── Sync ──────────────────────────────────► knows who is still there
    ◄───────────────── Begun ──────────────────  has heard all, and goes on
    ── Asked ─────────────────────────────────► an API's call, of a node that is not the owner
    ◄───────────────── Answer ─────────────────

An owner answers nothing that was said to another, or to itself in an earlier epoch: it says `Owned`, and the edge,
which alone knows who is still there and what has not been heard, says it again. What goes to one node at one time is a
parcel: numbered, so that one that is sent again is not heard twice.
"""

import msgspec

from signaling.messages import ClientMessage, Leave
from signaling.reasons import Detection
from signaling.snapshot import MemberRecord


class Frame(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=True):
    """Anything that one node says to another."""


class Arrival(msgspec.Struct, frozen=True, array_like=True):
    """Who comes in with a `Join` because they were moved: as what, from where, by which socket."""

    record: MemberRecord
    came_from: str
    connection: str


class Said(Frame, frozen=True):
    """A client has said something. `secret` is what its session will be known by, should it come in.

    With `arrival` it is the edge that says it, for a client who was moved.
    """

    room: str
    home: str
    epoch: int  # of the owner to whom it is said
    session: str
    secret: str
    message: ClientMessage
    number: int = 0  # grows with all that is said at one node; 0: need not be answered for by a `Heard`
    is_restated: bool = False  # to a new owner, because the one before may not have heard it
    arrival: Arrival | None = None


class Lost(Frame, frozen=True):
    """A client's socket has ended: the one that was opened as `connection`."""

    room: str
    home: str
    epoch: int
    connection: str
    silent_for: float
    detected_by: Detection


class Present(msgspec.Struct, frozen=True, array_like=True):
    """A session whose socket is open; without a record it is on its way in. `resumes`: it may still be elsewhere.

    `leave`: it has said so, and not heard its last word.
    """

    session: str
    connection: str
    record: MemberRecord | None = None
    resumes: bool = False
    leave: Leave | None = None


class Copy(msgspec.Struct, frozen=True, array_like=True):
    """A room as one node knows it, in the words in which it is written in Redis, for when nothing is written there.

    Of two copies the one with the greater `seq` is the later, because each owner counts on from its epoch.
    """

    seq: int  # of the last room event that is in it
    records: dict[str, bytes]  # by session
    about: bytes | None = None  # the room itself


class Sync(Frame, frozen=True):
    """All sessions of one room whose sockets this node has, and the last room event that they were told.

    It answers an `Owned` of the same epoch; of any other epoch, it asks for one. `said`: what the former owner may not
    have heard. `copy`: as what this node knows the room, if it knows anything of it.
    """

    room: str
    home: str
    epoch: int
    seq: int = 0
    sessions: list[Present] = []
    said: list[Said] = []
    copy: Copy | None = None


class Asked(Frame, frozen=True):
    """A program asks something of a room: `call` is the name, `arguments` are JSON."""

    room: str
    home: str
    id: str
    call: str
    arguments: bytes


Input = Said | Lost | Sync | Asked  # what only the owner of a room can answer


class Deliver(Frame, frozen=True):
    """Say this to these clients: the same bytes to all."""

    room: str
    seq: int
    sessions: tuple[str, ...]
    text: bytes


class Placed(Frame, frozen=True):
    """A client is in the room, or what is kept of it has changed: what its edge must know should the owner be lost."""

    room: str
    epoch: int
    record: MemberRecord


class Take(Frame, frozen=True):
    """The socket that was opened as session `connection` is that of `session` now."""

    room: str
    epoch: int
    connection: str
    record: MemberRecord


class Drop(Frame, frozen=True):
    """Close a client's socket, the one opened as `connection`, once everything that was said before has been sent."""

    session: str
    connection: str


class Moving(Frame, frozen=True):
    """Who uses that socket, the one of `session`, is in this room no more: have it come into another, as `record`."""

    room: str
    session: str
    to: str
    record: MemberRecord


class Heard(Frame, frozen=True):
    """What was said of a room at your node, up to that number, has been decided on, and that is written."""

    room: str
    number: int


class Owned(Frame, frozen=True):
    """That node runs this room: say to it who of it is with you."""

    room: str
    owner: str
    epoch: int


class Copied(Frame, frozen=True):
    """What is written of a room in the same step, for your copy of it. `is_whole`: that is all of it."""

    room: str
    seq: int
    put: dict[str, bytes]
    cut: tuple[str, ...] = ()
    about: bytes | None = None
    is_whole: bool = False


class Begun(Frame, frozen=True):
    """The owner goes on with this room, and has heard what you know of it: nobody needs your copy for that any more."""

    room: str


class Answer(Frame, frozen=True):
    """What came of an `Asked`, as JSON."""

    id: str
    body: bytes


class Bye(Frame, frozen=True):
    """I am ending: what I ran is free."""


AnyFrame = (
    Said | Lost | Sync | Asked | Deliver | Placed | Take | Drop | Moving | Heard | Copied | Owned | Begun | Answer | Bye
)


class Parcel(msgspec.Struct, frozen=True, array_like=True):
    """What one node says to another at one time. Numbers grow by one for each addressee."""

    sender: str
    number: int
    frames: list[AnyFrame]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Parcel)


def encode_parcel(parcel: Parcel) -> bytes:
    """Return the bytes of a parcel."""
    return _encoder.encode(parcel)


def decode_parcel(text: bytes) -> Parcel | None:
    """Read a parcel; `None`: it is not of our version."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
