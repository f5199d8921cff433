"""`docs/janus.md` says what the code does: its tables are compared with it."""

import re
from pathlib import Path

import typer

from peer.cli.app import app
from signaling.config import SignalingConfig
from signaling.janus.carer import LOST_LIMIT, SURVEY_PERIOD
from signaling.janus.metrics import JanusMetrics
from signaling.lobby import Lobby

DOC = (Path(__file__).parents[3] / "docs" / "janus.md").read_text()


def test_every_metric_is_explained_with_its_labels_and_no_other() -> None:
    config = SignalingConfig(janus=("ws://user@one:8188",), janus_secret="what our servers share")
    rows = re.findall(r"^\| `(exeunt_janus\w+)` \| ?(?:`(\w+)`)? ?\|", DOC, re.MULTILINE)
    families = list(JanusMetrics(Lobby(config).placing).collect())
    found = {one.name: {label for sample in one.samples for label in sample.labels} for one in families}
    assert found == {name: {label} - {""} for name, label in rows}
    assert families[0].samples[0].labels == {"server": "one:8188"}
    assert list(JanusMetrics(Lobby(SignalingConfig()).placing).collect()) == []


def test_every_option_is_explained() -> None:
    serve = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined] # it is a group
    options = {option for parameter in serve.params for option in parameter.opts}
    assert {f"--{name}" for name in ("janus", "janus-secret-file", "topology")} <= options
    assert set(re.findall(r"`(--[a-z-]+)", DOC)) <= options


def test_the_limit_for_a_janus_that_is_away_is_the_one_that_is_said() -> None:
    assert f"lost for more than {LOST_LIMIT:g} s" in DOC
    assert f"Every\n  {SURVEY_PERIOD:g} s, and whenever" in DOC
