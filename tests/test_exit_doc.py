"""The tables of docs/exit.md say what the code does and what the tests show."""

import re
from pathlib import Path

import pytest

from peer.exit import LIMITS, ExitState
from signaling.reasons import Detection, Reason
from tests import test_exit_deaths, test_exit_matrix
from tests.exits.causes import CAUSES

PAGE = (Path(__file__).parents[1] / "docs/exit.md").read_text()
SHOWN = {**vars(test_exit_matrix), **vars(test_exit_deaths)}


def table(heading: str) -> list[list[str]]:
    """Return the rows of the table below a heading, without its head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_the_steps_and_their_limits() -> None:
    limits = {ExitState[name.upper()]: float(limit.removesuffix(" s")) for name, _, limit in table("The steps")}
    assert limits == LIMITS


def test_every_cause_of_the_matrix_is_on_the_page_with_what_it_leads_to() -> None:
    said = {cause: rest for cause, *rest, shown in table("Every cause") if shown == "matrix"}
    assert said == {
        name: [why.own, *((why.own, why.known_by) if why.is_known else ("nobody", ""))] for name, why in CAUSES.items()
    }


@pytest.mark.parametrize("row", table("Every cause"), ids=lambda row: row[0])
def test_a_row_names_known_words_and_a_test_that_shows_it(row: list[str]) -> None:
    _, own, others, known, shown = row
    words = {*Reason, "never", "nobody", "no exit", "the report", "unreachable"}
    assert re.split("[,:]", own)[0] in words
    assert others.split(",")[0] in words
    assert set(re.findall(r"[a-z_]+", known)) - {"or"} <= set(Detection)
    assert shown == "matrix" or callable(SHOWN[shown.strip("`")])


def test_every_test_of_a_death_is_on_the_page() -> None:
    names = {name for name in vars(test_exit_deaths) if name.startswith("test_")}
    assert names <= {row[-1].strip("`") for row in table("Every cause")}


def test_every_moment_is_named() -> None:
    moments = {moment.__name__ for moment in test_exit_matrix.MOMENTS}
    assert all(word in PAGE for word in moments - {"exiting"})


def test_the_states_of_the_device_and_how_each_is_let_go() -> None:
    said = {}
    for device, thread, process in table("Every state of a device"):
        said[device] = thread
        if process:
            said[f"{device}, in a process"] = process
    assert said == {name: outcome for name, (_, _, outcome) in test_exit_matrix.DEVICES.items()}
