"""A node that cannot reach Redis for a while: shorter and longer than the grace, told nothing or refused."""

from pathlib import Path

import pytest

from signaling.reasons import Reason
from tests.signaling.cluster.links import Cut
from tests.signaling.cluster.servers import User, cluster, until
from tests.signaling.cluster.test_cluster import trio

SHORT_GRACE = 2.0  # seconds


def leaves(users: tuple[User, ...]) -> list[str]:
    return [event for user in users for event in user.events if event.startswith("Leave")]


@pytest.mark.parametrize(("number", "how"), [(0, Cut.SILENT), (2, Cut.REFUSED)], ids=["owner", "another"])
async def test_who_was_cut_off_for_less_than_the_grace_is_back_and_nobody_has_left(
    tmp_path: Path, number: int, how: Cut
) -> None:
    async with cluster(tmp_path) as whole:
        users = await trio(whole)
        lost = users[number]
        rest = [user for user in users if user is not lost]
        await whole.servers[number].wire.cut(how)
        for user in rest:
            await until(lambda user=user: f"Unreachable {lost.name}" in user.events, "the others know")
        rest[0].note(1)
        await until(lambda: f"Update {rest[0].name}" in rest[1].events, "the room goes on")
        await whole.servers[number].wire.mend()
        for user in rest:
            await until(lambda user=user: f"Back {lost.name}" in user.events, "it is back")
        await until(lambda: f"Update {rest[0].name}" in lost.events, "it knows what it missed")
        lost.note(2)
        await until(lambda: f"Update {lost.name}" in rest[0].events, "it is heard")
        assert leaves(users) == []


async def test_who_was_cut_off_for_longer_than_the_grace_has_left_and_is_told_so(tmp_path: Path) -> None:
    async with cluster(tmp_path, grace=SHORT_GRACE) as whole:
        ana, ben, cem = users = await trio(whole)
        await whole.servers[0].wire.cut(Cut.SILENT)
        await until(lambda: "Leave ana" in ben.events and "Leave ana" in cem.events, "ana is gone for the others")
        assert ana.end is None
        await whole.servers[0].wire.mend()
        await until(lambda: ana.end == Reason.NETWORK_LOST, "ana is told")
        assert leaves(users) == ["Leave ana", "Leave ana"]
        again = await whole.enter("ana", whole.servers[0])
        await until(lambda: again.others == ["ben", "cem"] and ben.events[-1] == "Join ana", "ana may come again")
