"""`docs/operating.md` says what the code does: its tables are compared with it."""

import re
from pathlib import Path
from typing import get_args

import typer

from peer.cli.app import app
from signaling.census import Census
from signaling.gate import Limit
from signaling.metrics import Metrics
from signaling.webhook_events import Happening, WebhookEvent

DOC = (Path(__file__).parents[1] / "docs" / "operating.md").read_text()


def table(heading: str, header: str) -> list[list[str]]:
    """Return the rows of the table that begins with this header, below a heading."""
    section = DOC.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = section.partition(f"| {header} |")[2].splitlines()[2:]
    cells = []
    for row in rows:
        if not row.startswith("|"):
            break
        cells.append([cell.strip() for cell in row.strip("|").split("|")])
    assert cells, f"there is no table {header!r} in {heading!r}"
    return cells


def words(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_every_metric_is_explained_with_its_labels_and_no_other() -> None:
    documented = {words(row[0])[0]: words(row[1]) for row in table("Metrics", "metric")}
    metrics = Metrics(Census)
    found = {}
    for family in metrics.registry.collect():
        if family.name.startswith("exeunt_"):
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            found[family.name] = labels
    assert set(documented) == set(found)
    for name, labels in found.items():
        assert labels <= set(documented[name])
    for name, labels in documented.items():
        instruments = vars(metrics).values()
        kept = [one for one in instruments if getattr(one, "_name", "") == name]
        if kept:
            assert set(kept[0]._labelnames) == set(labels)


def test_every_event_of_webhooks_is_explained_with_its_fields() -> None:
    rows = {words(row[0])[0]: set(words(row[2])) for row in table("Webhooks", "type")}
    assert set(rows) == set(get_args(Happening))
    always = set(words("`id`, `type`, `time`, `room`, `seq`"))
    assert set().union(*rows.values()) | always == set(WebhookEvent.__struct_encode_fields__)


def test_every_limit_is_explained() -> None:
    assert {word for row in table("Limits", "option") for word in words(row[3])} == {limit.value for limit in Limit}


def test_every_option_that_is_named_is_one_of_serve() -> None:
    serve = typer.main.get_command(app).commands["serve"]
    options = {option for parameter in serve.params for option in parameter.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z-]+[a-z]", DOC)) - {"--key-file"}
    assert named <= options


def test_every_option_of_running_a_server_is_explained() -> None:
    serve = typer.main.get_command(app).commands["serve"]
    panel = [p.opts[0] for p in serve.params if getattr(p, "rich_help_panel", None) in {"Running a server", "Limits"}]
    assert panel
    assert [option for option in panel if f"`{option}" not in DOC and f"{option} " not in DOC] == []
