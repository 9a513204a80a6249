"""A figure of a job has one name and one home, for the API, for events, for the command and for the dashboard.

Each test fails if a figure is added, renamed or dropped in one place only.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from crawler.daemon.events import Event
from crawler.daemon.http import models, site_models
from crawler.daemon.jobs import figures
from crawler.daemon.jobs.figures import Figures
from crawler.daemon.jobs.job import Job, Progress, Seeds, SiteSeen
from crawler.daemon.plane.shown import NodeOut, PlaneJobOut
from crawler.daemon.runs.records import Failure
from crawler.daemon.runs.stats import Point
from crawler.metrics.latency import Latency
from crawler.metrics.metrics import Snapshot
from crawler.standing import Counts, RobotsState

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "crawler/daemon/dashboard"

LEFT_OUT: Mapping[type, Mapping[str, str]] = {
    Job: {},
    Counts: {
        "scheduled": "jobs have no schedule of revisits of their own in the API",
        "due_in_s": "as above",
        "traps": "`/parked` answers them: they may be thousands",
    },
}
"""Fields of ours that a model of the API leaves out, and why."""
ADDED: Mapping[type, set[str]] = {Job: {"pages"}}
"""Properties that a model of the API has as fields."""
ANSWERED: tuple[tuple[type, type[models.Shape]], ...] = (
    (Job, models.JobOut),
    (Seeds, models.SeedsOut),
    (Counts, models.CountsOut),
    (Latency, models.LatencyOut),
    (SiteSeen, site_models.SiteOut),
    (RobotsState, site_models.RobotsOut),
    (Failure, models.FailureOut),
    (Event, models.EventOut),
)

OF_THE_COMMAND = {
    "elapsed_s": "a job has `started_at`, and several runs",
    "visits": "`Job.counts.settled` counts over all runs",
    "visits_per_s": "`pages_per_s`; duplicates are in the charts of statuses",
    "mean_in_flight": "points have `in_flight` of each moment",
    "reads_seeds": "`Job.seeds.is_reading`",
    "progress": "`Job.progress` counts over all runs",
    "pages": "`Job.pages` counts over all runs",
    "bytes": "`Job.bytes` counts over all runs",
    "counts": "`Job.counts`",
    "dispositions": "`Job.counts.settled` counts over all runs",
    "reasons": "`/errors` answers them with examples",
    "statuses": "points have their classes",
    "busiest": "`/sites` answers them",
    "failures": "`/errors` answers them",
    "work": "`/metrics` has it: all jobs share the workers",
}
"""Figures of a run that are not among those of a job, and where a job has them."""
NOT_PRINTED = {"bytes_per_s", "stages", "latency"}
"""Figures that `crawl jobs show` leaves to the dashboard."""
NOT_DRAWN = {"bytes_per_s": "a chart of the points shows it", "at_least_s": "`crawl jobs show` prints it"}


@pytest.mark.parametrize(("ours", "model"), ANSWERED, ids=lambda one: one.__name__)
def test_the_api_answers_the_fields_that_the_code_defines(ours: type, model: type[models.Shape]) -> None:
    left_out = LEFT_OUT.get(ours, {}).keys()
    assert left_out <= _names(ours)
    assert set(model.model_fields) == (_names(ours) - left_out) | ADDED.get(ours, set())


def test_every_figure_of_a_run_is_one_of_a_job_or_is_said_where_a_job_has_it() -> None:
    assert _names(Snapshot) == _names(Figures) | OF_THE_COMMAND.keys()
    assert _names(Figures) <= _names(Job)


def test_an_event_of_progress_carries_the_point_and_every_figure_but_two() -> None:
    assert _names(Figures) > figures.BY_THEMSELVES
    said = figures.take_for_event(_snapshot())
    assert set(said) == _names(Figures) - figures.BY_THEMSELVES
    assert said.keys() & set(Point._fields) == {"in_flight"}, "one name, one figure"


def test_the_command_reads_names_that_the_api_answers_and_prints_every_figure() -> None:
    tree = ast.parse((ROOT / "cli/jobs_view.py").read_bytes())
    read = {(ast.unparse(node.value), node.slice.value) for node in ast.walk(tree)
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)}  # fmt: skip
    for variable, model in (("job", models.JobOut), ("counts", models.CountsOut), ("seeds", models.SeedsOut)):
        names = {name for owner, name in read if owner == variable}
        assert names
        assert names - model.model_fields.keys() == set()
    assert _names(Figures) - {name for owner, name in read if owner == "job"} == NOT_PRINTED


def test_the_dashboard_reads_names_that_the_api_answers_and_draws_every_figure() -> None:
    text = "\n".join(path.read_text() for path in sorted(DASHBOARD.glob("*.js")))
    of_jobs = set(re.findall(r"\bjob\.(?!js\b)(\w+)", text))
    assert of_jobs - PlaneJobOut.model_fields.keys() == set(), "a control plane answers all that a daemon does"
    of_planes = PlaneJobOut.model_fields.keys() - models.JobOut.model_fields.keys()
    own = {path.name for path in DASHBOARD.glob("*.js") for name in of_planes if f"job.{name}" in path.read_text()}
    assert own == {"jobs.js", "nodes.js"}
    assert set(re.findall(r"\bnode\.(\w+)", text)) - NodeOut.model_fields.keys() == set()
    assert set(re.findall(r"\bjob\.counts\.(\w+)", text)) - models.CountsOut.model_fields.keys() == set()
    assert set(re.findall(r"\bjob\.seeds\.(\w+)\b(?!\()", text)) - models.SeedsOut.model_fields.keys() == set()
    assert set(re.findall(r"\bcolumns\.(\w+)\b(?!\()", text)) - set(Point._fields) == set()
    assert _names(Figures) - of_jobs == NOT_DRAWN.keys()


def test_progress_is_one_class_for_the_code_and_the_api() -> None:
    assert models.JobOut.model_fields["progress"].annotation is Progress


def _names(ours: type) -> set[str]:
    if is_dataclass(ours):
        return {field.name for field in fields(ours)}
    return set(vars(ours)["_fields"])


def _snapshot() -> Any:
    from crawler.metrics.metrics import Metrics

    return Metrics().snapshot(Counts(), (), 0)
