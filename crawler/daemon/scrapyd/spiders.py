"""Projects and spiders, as scrapyd calls them, and the jobs that they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from ...runtime.nearest import did_you_mean
from ..errors import BadJob, Complaint, NoSuchJob
from ..jobs.job import Job, JobSpec, Template
from ..jobs.states import State

MADE_BY = "scrapyd"
PROJECT = "project"
"""The label of a template that names its project."""
SEEDS = "start_urls"
"""The label of a template, and the argument of a spider, with its seeds, separated by blanks or commas."""
REST = "default"
"""The project of templates without that label."""
VERSION = "current"
"""The one version that a project has: a template is replaced, and keeps no older ones."""
MOST_SEEDS = 10_000
SCRAPYS: Mapping[str, str] = {
    "DOWNLOAD_DELAY": "politeness.delay_s",
    "CONCURRENT_REQUESTS": "fetch.concurrency",
    "CONCURRENT_REQUESTS_PER_DOMAIN": "politeness.per_site",
    "DOWNLOAD_TIMEOUT": "fetch.timeout_s",
    "DEPTH_LIMIT": "scope.max_depth",
    "CLOSESPIDER_PAGECOUNT": "scope.limit",
    "CLOSESPIDER_TIMEOUT": "scope.time_limit_s",
    "USER_AGENT": "user_agent",
}
"""Settings of Scrapy, and ours that mean the same."""
ROBOTS = "ROBOTSTXT_OBEY"
TRUE, FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})
KNOWN = ("project", "spider", "setting", "priority", "_version", "version", "start_urls", "start_url", "url", "jobid")
"""The fields of a request for a job."""


class Asked(NamedTuple):
    """A request for a job."""

    spec: JobSpec
    seeds: Sequence[str]
    key: str | None
    """The name that the client gives the job: the same name makes one job."""


def projects(templates: Mapping[str, Template]) -> list[str]:
    """Returns the projects, in order."""
    return sorted({project_of(one) for one in templates.values()})


def spiders(templates: Mapping[str, Template], project: str) -> list[str]:
    """Returns the spiders of a project, in order. Raises NoSuchJob."""
    found = sorted(name for name, one in templates.items() if project_of(one) == project)
    if not found:
        known = projects(templates)
        raise NoSuchJob(f"project {project[:100]!a} not found{did_you_mean(project[:100], known)}")
    return found


def project_of(template: Template) -> str:
    return template.labels.get(PROJECT, REST)


def read_request(fields: Mapping[str, Sequence[str]], templates: Mapping[str, Template]) -> Asked:
    """Returns the job that a request asks for. Raises BadJob, NoSuchJob."""
    if wrong := list(_wrong_fields(fields)):
        raise BadJob(wrong)
    project, spider = fields["project"][0], fields["spider"][0]
    known = spiders(templates, project)
    if spider not in known:
        raise NoSuchJob(f"spider {spider[:100]!a} not found{did_you_mean(spider[:100], known)}")
    seeds = [*_seeds([one for name in ("start_urls", "start_url", "url") for one in fields.get(name, ())])]
    seeds = seeds or [*_seeds([templates[spider].labels.get(SEEDS, "")])]
    if not seeds:
        said = f"the spider needs URLs to begin with: give start_urls, or its template a label {SEEDS}"
        raise BadJob([Complaint("start_urls", said)])
    spec = JobSpec(
        name=spider, settings=dict(map(_setting, fields.get("setting", ()))), template=spider,
        priority=_priority(fields.get("priority", ["0"])[0]),
        labels={"adapter": MADE_BY, PROJECT: project, "spider": spider},
    )  # fmt: skip
    return Asked(spec, seeds, fields["jobid"][0] if "jobid" in fields else None)


def word_of(job: Job) -> str:
    """Returns scrapyd's word for the state of a job."""
    if job.state.is_over:
        return "finished"
    return "running" if job.state is State.RUNNING else "pending"


def _wrong_fields(fields: Mapping[str, Sequence[str]]) -> Iterator[Complaint]:
    for name in ("project", "spider"):
        if not fields.get(name, [""])[0]:
            yield Complaint(name, f"'{name}' parameter is required")
    for name in fields:
        if name not in KNOWN:
            said = f"this argument is not taken: a spider takes start_urls{did_you_mean(name[:100], KNOWN)}"
            yield Complaint(name[:100], said)
    for version in (*fields.get("_version", ()), *fields.get("version", ())):
        if version != VERSION:
            yield Complaint("_version", f"version {version[:100]!a} not found: a project has {VERSION!r} alone")


def _seeds(texts: Sequence[str]) -> Iterator[str]:
    seeds = [one for text in texts for one in text.replace(",", " ").split()]
    if len(seeds) > MOST_SEEDS:
        raise BadJob([Complaint("start_urls", f"should be {MOST_SEEDS:,} at most; POST /v1/jobs takes more")])
    return iter(seeds)


def _setting(text: str) -> tuple[str, Any]:
    """Reads `NAME=VALUE`, by our name of the setting or by Scrapy's. Raises BadJob."""
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals:
        raise BadJob([Complaint("setting", f"{text[:100]!a} should be NAME=VALUE")])
    if name == ROBOTS:
        if value.lower() not in TRUE | FALSE:
            raise BadJob([Complaint(ROBOTS, "should be True or False")])
        return "politeness.robots", "obey" if value.lower() in TRUE else "ignore"
    if name.isupper() and name not in SCRAPYS:
        said = f"no setting of ours means the same; {', '.join((*SCRAPYS, ROBOTS))} have one"
        raise BadJob([Complaint(name[:100], f"{said}{did_you_mean(name[:100], SCRAPYS)}")])
    return SCRAPYS.get(name, name), _value(value)


def _value(text: str) -> object:
    """Returns a list or a table that is written as JSON, else the text: the setting's own type reads it."""
    if text[:1] in ("[", "{"):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    return {"true": True, "false": False}.get(text.lower(), text)


def _priority(text: str) -> int:
    try:
        return round(float(text))
    except (ValueError, OverflowError):
        raise BadJob([Complaint("priority", "should be a number")]) from None
