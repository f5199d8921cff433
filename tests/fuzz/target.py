"""What is fuzzed: anything that anybody can say to a server, in any order, by anybody.

The bytes are frames, one a line; if the first line is "K", the server has a key. The first byte of each line says who
speaks and what else happens:

    0 1 2 3   this client says the rest of the line
    4 5 6 7   this client's socket is lost
    8 9 : ;   this client connects anew, and says the rest of the line
    + -       time passes, a second or a minute
    k m d     a program kicks or mutes a user, or dismisses a room: the rest of the line is "ROOM USER", or "ROOM"
"""

from dataclasses import replace

from signaling import messages
from signaling.config import SignalingConfig
from signaling.effects import Asked, Effect, Entered, Exited, Hangup, Send, Settled
from signaling.lobby import Lobby
from signaling.messages import BadMessage, Error, ErrorCode, ExitRoom, decode_client, encode
from signaling.reasons import Detection
from signaling.signature import BadSignature, check

KEY = None
CONFIG = SignalingConfig(grace=5, capacity=3, max_age=300, solo_timeout=60)
WALL = 1_900_000_000.0
KEY = "a key that the corpus may know"
KEYED = replace(CONFIG, key=KEY)
CLIENTS = 4
SPEAK, LOSE, CONNECT = b"0123", b"4567", b"89:;"
KICK, MUTE, DISMISS = b"kmd"
WAITS = {ord("+"): 1.0, ord("-"): 60.0}  # seconds
MOST_ROOMS = CLIENTS  # everybody can be in one at a time


class World:
    """A lobby and those who talk to it. What must always be true is asserted."""

    def __init__(self, config: SignalingConfig = CONFIG) -> None:
        self.lobby = Lobby(config)
        self.now = 0.0
        self.opened = 0
        self.sessions = [self.connect() for _ in range(CLIENTS)]
        self.inside: set[str] = set()
        self.leaving: set[str] = set()  # sessions that had their last word and were not hung up on
        self.asked: set[str] = set()  # what programs asked for and have not been answered

    def connect(self) -> str:
        self.opened += 1
        session = f"s{self.opened}"
        self.lobby.open(session, f"secret{self.opened}")
        return session

    def hear(self, client: int, frame: bytes) -> None:
        session = self.sessions[client]
        try:
            message = decode_client(frame)
        except BadMessage as error:
            encode(Error(code=ErrorCode(error.code), text=error.text))
            return
        self.follow(self.lobby.handle(session, message, self.now, WALL + self.now))

    def lose(self, client: int) -> None:
        self.follow(self.lobby.lost(self.sessions[client], self.now, self.now, Detection.SOCKET_CLOSED))

    def ask(self, what: int, rest: bytes) -> None:
        room, user, *_ = [*rest.decode(errors="replace").split(), "", ""]
        if what == KICK:
            self.follow(self.lobby.kick(room, user, None, self.now))
        elif what == MUTE:
            self.follow(self.lobby.mute(room, user, "audio", None, self.now))
        else:
            self.follow(self.lobby.dismiss(room, None, self.now))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        for _ in range(10):
            due = self.lobby.next_deadline()
            if due is None or due > self.now:
                return
            self.follow(self.lobby.advance(self.now))
        raise AssertionError("what is due stays due")

    def follow(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                assert len(encode(effect.message)) < 1024 * 1024
                assert not isinstance(effect.message, Error) or effect.message.code in ErrorCode
                assert not self.leaving & {*effect.to}, "nothing comes after the last word"
                if isinstance(effect.message, ExitRoom):
                    self.leaving |= {*effect.to}
            elif isinstance(effect, Entered):
                assert effect.session not in self.inside
                self.inside.add(effect.session)
            elif isinstance(effect, Exited):
                self.inside.remove(effect.session)
            elif isinstance(effect, Hangup):
                assert effect.session not in self.inside
                self.leaving.discard(effect.session)
            elif isinstance(effect, Asked):
                self.asked.add(effect.about)
            elif isinstance(effect, Settled):
                self.asked.discard(effect.about)

    def check(self) -> None:
        rooms = self.lobby.rooms()
        here = [user.session for room in rooms for user in room.users]
        assert sorted(here) == sorted(self.inside)
        assert all(len({user.user for user in room.users}) == len(room.users) <= CONFIG.capacity for room in rooms)
        assert all(room.users for room in rooms)


def play(data: bytes) -> None:
    """Let everything happen that the bytes say."""
    world = World(KEYED if data.startswith(b"K\n") else CONFIG)
    for line in data.split(b"\n"):
        if line:
            happen(world, line[0], line[1:])
    world.check()
    world.wait(1000.0)
    world.check()
    assert not world.leaving, "whoever had their last word is hung up on"
    assert not world.asked, "whoever asks is answered"
    read_header(data)


def happen(world: World, what: int, rest: bytes) -> None:
    """One line."""
    if what in SPEAK:
        world.hear(SPEAK.index(what), rest)
    elif what in LOSE:
        world.lose(LOSE.index(what))
    elif what in CONNECT:
        client = CONNECT.index(what)
        world.lose(client)
        world.sessions[client] = world.connect()
        world.hear(client, rest)
    elif what in (KICK, MUTE, DISMISS):
        world.ask(what, rest)
    elif what in WAITS:
        world.wait(WAITS[what])


def read_header(data: bytes) -> None:
    """The header of a webhook is read by receivers, and may be anybody's."""
    try:
        check(b"", data.decode(errors="replace"), ["key"], WALL)
    except BadSignature:
        return
    raise AssertionError("a signature was guessed")


TYPES = sorted(
    str(kind.__struct_config__.tag)
    for kind in vars(messages).values()
    if isinstance(kind, type) and issubclass(kind, messages.Message) and kind is not messages.Message
)  # for the fuzzer's dictionary
