"""Answers questions about a job beyond its state: its failures, its report, its settings with their origins."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..assembly.site_facts import find_site_facts
from ..reports import Report
from ..search import Choice
from ..settings import Config
from ..settings.catalog import LIVE, fields
from ..settings.loading import mask_value, value_of
from ..settings.meanings import meaning_of
from ..standing import SiteView
from .api import Jobs
from .jobs.job import Origin
from .jobs.outputs import formats_of
from .owners import OWNERS
from .runs import records
from .runs.records import Failure, Failures
from .runs.search import Found, Searches
from .runs.site_reports import SiteReports

MOST_KNOWN = 100
"""Jobs whose failures stay in memory, so that only new records have to be read."""


MOST_DELAYS = 1000
"""Sites with URLs to visit whose delay is asked of a running crawl; of others the settings say it."""


class Setting(NamedTuple):
    """One setting of a job."""

    key: str
    value: object
    origin: Origin
    meaning: str


class Schema(NamedTuple):
    """The settings that a job can choose."""

    json_schema: Mapping[str, object]
    defaults: Mapping[str, object]
    """The values of a job that chooses nothing, by full name."""
    live: Sequence[str]
    """Settings that may change while a job runs."""
    refused: Sequence[str]
    """Settings that only the daemon's own file may choose."""
    formats: Sequence[str]
    """Formats that a job may choose for its outputs."""


class Insight:
    """Looks into the jobs of one daemon."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._pages = SiteReports(jobs.outputs, jobs.folder)
        self._searches = Searches(jobs.folder, jobs.changes.find_settled)
        self._failures: dict[str, Failures] = {}
        """By job; the one that was asked for longest ago comes first."""

    async def failures(self, job: str, limit: int) -> Sequence[Failure]:
        """Returns the failures by site and reason, over all runs. Raises NoSuchJob, NoRecords, WrongState."""
        reader = records.reader(await self._jobs.outputs(job))
        failures = self._failures[job] = self._failures.pop(job, Failures())
        if len(self._failures) > MOST_KNOWN:
            del self._failures[next(iter(self._failures))]
        with records.readable():
            await asyncio.to_thread(failures.update, reader)
        return failures.most(limit)

    async def report(self, job: str, most_sites: int) -> tuple[Report, Sequence[float]]:
        """Returns the report of a job with so many sites, and the delay in force at each of them, in seconds.

        Raises NoSuchJob, NoRecords, WrongState, ConfigError.
        """
        report = await self._jobs.reports.report(job, most_sites)
        crawl = self._jobs.crawl(job)
        asked = {view.site: view.delay_s for view in crawl.sites(MOST_DELAYS)} if crawl else {}
        views = find_site_facts(self._jobs.settings(job)).complete(
            SiteView(one.site, 0, 0, None) for one in report.sites
        )
        return report, [asked.get(view.site, view.delay_s) for view in views]

    async def report_page(self, job: str) -> Path:
        """Returns the page of findings of a job, one HTML file. Raises NoSuchJob, NoRecords, WrongState, ConfigError.

        It is made in a process of its own: 100,000 pages take about 15 seconds.
        """
        return await self._pages.make(job)

    async def search(self, job: str, words: str, choice: Choice, limit: int) -> Found:
        """Returns the pages of a job that hold the words, the best first. Raises as `Searches.find` does."""
        return await self._searches.find(job, words, choice, limit)

    def settings(self, job: str) -> Sequence[Setting]:
        """Returns all settings of a job, with secrets hidden. Raises NoSuchJob."""
        config, origins = self._jobs.settings(job), self._jobs.origins(job)
        return [
            Setting(key, _plain(config, key), origins.get(key, Origin.DEFAULT), meaning_of(Config, key))
            for key in fields()
        ]

    def schema(self) -> Schema:
        base = self._jobs.base
        defaults = {key: _plain(base, key) for key in fields()}
        return Schema(Config.model_json_schema(), defaults, sorted(LIVE), OWNERS, formats_of(base))


def _plain(config: Config, key: str) -> object:
    """Returns the value of a setting as JSON, with secrets hidden."""
    value = config.model_dump(mode="json")
    for name in key.split("."):
        value = value[name]
    return mask_value(key, value) if mask_value(key, value_of(config, key)) != value_of(config, key) else value
