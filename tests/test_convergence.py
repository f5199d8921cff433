"""Many users join and leave at the same moment, over connections of any speed: everybody ends up with the same picture.

The real cores, server and peers, wired together without a network. Each connection is a queue in each direction, and a
seed decides which one moves next.
"""

import random
from collections import deque

import pytest

from peer.negotiation import Accept, AddCandidate, Ask, Call, Close, Effect, Negotiation, Respond
from peer.roster import Roster
from signaling import messages as wire
from signaling.config import SignalingConfig
from signaling.effects import Adopt, Entered, Exited, Hangup, Send, Unheard
from signaling.lobby import Lobby

USERS = ("ana", "bo", "cy", "di", "eve")
STEPS = 120


class Client:
    """One user's cores, with the queues to and from the server. `calls` are the connections that are open: by user."""

    def __init__(self, world: "World", user: str, session: str) -> None:
        self.world, self.user, self.session = world, user, session
        self.roster, self.negotiation = Roster(), Negotiation(session)
        self.inbox: deque[wire.ServerMessage] = deque()
        self.outbox: deque[wire.ClientMessage] = deque([wire.Join(room="r", user=user)])
        self.calls: dict[str, str] = {}
        self.is_out = False

    def hear(self, message: wire.ServerMessage) -> None:
        match message:
            case wire.Joined():
                for event in self.roster.enter(message):
                    self.told(event, here_before_us=True)
            case wire.Offer() | wire.Answer() | wire.Candidate() | wire.NeedOffer():
                self.carry_out(self.negotiation.heard(message, 0.0))
            case wire.ExitRoom():
                self.is_out = True
            case wire.Error():
                assert message.code in ("no_such_user", "wrong_state")
            case _:
                for event in self.roster.apply(message):
                    self.told(event)

    def told(self, event: wire.RoomEvent, *, here_before_us: bool = False) -> None:
        if isinstance(event, wire.RemoteUserJoin):
            self.carry_out(self.negotiation.add(event.user, event.session, offers=here_before_us, now=0.0))
        elif isinstance(event, wire.RemoteUserLeave):
            self.carry_out(self.negotiation.remove(event.user))

    def carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Call(user, call):
                    self.calls[call] = user
                    self.outbox.append(wire.Offer(user=user, call=call, sdp=""))
                case Respond(offer):
                    self.calls[offer.call] = offer.user
                    self.outbox.append(wire.Answer(user=offer.user, call=offer.call, sdp=""))
                case Accept(answer):
                    self.world.connected(answer.call)
                case Close(call):
                    del self.calls[call]
                case Ask(message):
                    self.outbox.append(message)
                case AddCandidate():
                    pass


class World:
    """A server and its clients; `random` decides what happens next."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lobby = Lobby(SignalingConfig())
        self.clients: dict[str, Client] = {}

    def step(self) -> None:
        choice = self.random.random()
        if choice < 0.06:
            user = self.random.choice(USERS)
            session = f"{user}{len(self.clients)}"
            self.clients[session] = Client(self, user, session)
            self.lobby.open(session, "secret")
        elif choice < 0.09 and self.clients:
            self.random.choice(list(self.clients.values())).outbox.append(wire.Leave())
        else:
            self.move()

    def move(self) -> bool:
        """Let one message on one connection arrive; say whether there was one."""
        ways = [(client, queue) for client in self.clients.values() for queue in (client.inbox, client.outbox) if queue]
        if not ways:
            return False
        client, queue = self.random.choice(ways)
        if queue is client.inbox:
            client.hear(client.inbox.popleft())
        else:
            self.deliver(client.session, client.outbox.popleft())
        return True

    def deliver(self, session: str, message: wire.ClientMessage) -> None:
        for effect in self.lobby.handle(session, message, now=0.0, wall=0.0):
            match effect:
                case Send(to, said):
                    for receiver in to:
                        self.clients[receiver].inbox.append(said)
                case Hangup() | Adopt() | Entered() | Exited() | Unheard():
                    pass

    def connected(self, call: str) -> None:
        for client in self.clients.values():
            if call in client.calls:
                client.negotiation.connected(call)


@pytest.mark.parametrize("seed", range(200))
def test_whoever_stays_knows_exactly_the_others_and_has_one_call_with_each(seed: int) -> None:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
    while world.move():
        pass
    inside = {user.user: user.session for room in world.lobby.rooms() for user in room.users}
    for user, session in inside.items():
        client = world.clients[session]
        others = {name: other for name, other in inside.items() if name != user}
        assert {name: seen.session for name, seen in client.roster.users.items()} == others
        assert sorted(client.calls.values()) == sorted(others)
        for call, other in client.calls.items():
            assert world.clients[inside[other]].calls.get(call) == user
    assert all(client.is_out for session, client in world.clients.items() if session not in inside.values())
