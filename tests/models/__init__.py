"""The exit contract, played at random: Hypothesis state machines over the cores, with a simulated clock.

    test_exit_model.py     one exit and its notice
    test_roster_model.py   one peer's picture of the room, fed with whatever a bad network makes of the truth
    test_room_model.py     the lobby: who is told what of whom, and in which order
    test_world_model.py    all of it together: a server and its clients, with cables that are cut and processes that die
    test_world.py          stories of that world, told on purpose

`make test` plays the same few hundred games every time. `EXEUNT_RUNS=10000 make test ARGS=tests/models` plays that many
new ones with each machine, in some minutes; what fails then is kept as a plain test.
"""

import os

from hypothesis import HealthCheck, settings


def games(by_default: int, steps: int = 50) -> settings:
    """Return how often a machine is played: the same games every time, or as many new ones as `EXEUNT_RUNS` says."""
    asked = os.environ.get("EXEUNT_RUNS")
    return settings(
        max_examples=int(asked) if asked else by_default,
        stateful_step_count=steps,
        derandomize=asked is None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
