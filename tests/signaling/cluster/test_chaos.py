"""Random faults of real machines: nodes killed, ended, stopped and cut off, Redis started anew, users all the while.

`make test-chaos` does so for some minutes, each time with another seed. `EXEUNT_CHAOS` says for how many seconds,
`EXEUNT_SEED` with which seed. Without both, as in CI, it is short and always the same.
"""

import os
import random
from pathlib import Path

from tests.signaling.cluster.chaos import Chaos
from tests.signaling.cluster.servers import cluster

SECONDS = float(os.environ.get("EXEUNT_CHAOS", "6"))
SEED = os.environ.get("EXEUNT_SEED") or ("" if "EXEUNT_CHAOS" in os.environ else "1")
GRACE = 15.0  # seconds: more than two faults at once cost anybody
LATE = 10.0  # seconds more until all is well again


async def test_in_the_end_everybody_knows_who_is_here_whatever_happened(tmp_path: Path) -> None:
    seed = int(SEED or random.randrange(1_000_000))
    print(f"EXEUNT_SEED={seed}")
    async with cluster(tmp_path, grace=GRACE, options=("--join-rate", "0", "--heartbeat", "2", "--verbose")) as whole:
        chaos = Chaos(whole, random.Random(seed), patience=GRACE + LATE)
        try:
            await chaos.live(SECONDS)
        except BaseException:
            print(chaos.report, (tmp_path / "nodes.log").read_text(), sep="\n")
            raise
