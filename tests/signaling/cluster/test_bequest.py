"""Redis is emptied while somebody has no socket: another node begins their room anew, before its owner can."""

from tests.signaling.cluster.test_station import meeting, others


def test_who_comes_back_elsewhere_before_the_owner_knows_that_redis_was_emptied_is_still_in() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    world.store.empty()
    ben.drop()
    cem.drop()
    world.run()
    ben.connect(world.nodes["n2"])
    for _ in range(20):  # only what n2 asks for is done: the owner does not know yet
        world.nodes["n2"].work()
        for client in world.clients:
            if client.socket is not None:
                client.socket.carry()
    world.heal(20)
    assert [client.end for client in (ana, ben, cem)] == [None, None, None]
    assert [others(client) for client in (ana, ben, cem)] == [["ben", "cem"], ["ana", "cem"], ["ana", "ben"]]
    assert not [event for client in (ana, ben, cem) for event in client.told if "Leave" in type(event).__name__]


def test_who_is_alone_and_comes_back_elsewhere_when_redis_was_emptied_is_still_in() -> None:
    world, (ana,) = meeting("ana")
    ana.drop()
    world.run()
    world.store.empty()
    ana.connect(world.nodes["n1"])
    assert ana.socket is not None
    ana.socket.carry()
    world.nodes["n1"].work()
    world.heal(5)
    assert (ana.end, ana.is_in) == (None, True)
