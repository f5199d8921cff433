"""A room of several nodes whose media a real Janus carries: whoever runs the room sees to its VideoRoom."""

import asyncio
from pathlib import Path

from tests.devices.janus import janus_server
from tests.signaling.cluster.servers import cluster, until
from tests.signaling.janus.guests import PATIENCE, guest

SECRET = "one that Janus and we share"


async def test_the_videoroom_goes_on_with_its_room_when_the_node_that_runs_it_is_killed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    async with janus_server(admin_key=SECRET) as janus:
        options = ("--topology", "janus", "--janus", janus.url, "--janus-secret-file", str(secret))
        async with cluster(tmp_path, nodes=2, options=options) as whole:
            ana = await whole.enter("ana", whole.servers[0])
            ben = await whole.enter("ben", whole.servers[1])
            await until(lambda: ana.others == ["ben"] and ben.others == ["ana"], "both are in")
            of_ana, of_ben = ana.media, ben.media
            assert of_ana is not None
            assert of_ben is not None
            assert of_ana.room == of_ben.room
            async with guest(of_ana) as one, guest(of_ben) as other:
                await one.come_in(ana.session)
                await other.come_in(ben.session)
                await whole.kill(whole.servers[0])
                await until(lambda: "Back ana" in ben.events and ana.client.is_connected, "ana is back")
                assert ana.media == of_ana
                ben.leave()
                await until(lambda: "Leave ben" in ana.events, "ben left")
                async with asyncio.timeout(PATIENCE):
                    await other.is_out.wait()
                assert not one.is_out.is_set()
            await janus.kill()
            await janus.start()
            async with asyncio.timeout(PATIENCE):
                while ana.media in {of_ana, None}:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
            async with guest(ana.media) as one:
                await one.come_in(ana.session)
