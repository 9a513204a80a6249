"""Each setting carries the markers that it needs: a setting without one fails here and is told what to do."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest

import crawler
from crawler.assembly import parts
from crawler.daemon.settings import DaemonConfig
from crawler.settings import Config, Nature, SinkConfig, SiteConfig, Table
from crawler.settings.catalog import FIXED, LIVE, SECRETS, SHARED, SINK_SECRETS, fields, settings_marked
from crawler.settings.meanings import meaning_of
from tests.settings.reference import ROOT, reference

SECRET_WORDS = re.compile(r"auth|bearer|cookie_|credential|headers|options|passw|proxy|secret|sites|token")
"""Parts of names of settings that hold passwords and tokens, or tables with such settings."""
NO_SECRETS = {"fetch.cookie_file", "fetch.no_proxy", "scope.max_requisites", "scope.requisites", "sinks.headers"}


class Recorder:
    """Stands for settings, and notes which of them are read."""

    def __init__(self, config: Table, read: set[str], prefix: str = "") -> None:
        self._config, self._read, self._prefix = config, read, prefix

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._config, name)
        if isinstance(value, Table):
            return Recorder(value, self._read, f"{self._prefix}{name}.")
        self._read.add(f"{self._prefix}{name}")
        return value


def recorder(read: set[str]) -> Config:
    return cast("Config", Recorder(Config(), read))


def test_no_setting_has_markers_that_contradict_each_other() -> None:
    assert set() == LIVE & (FIXED | SHARED)
    assert settings_marked(Nature.FIXED, DaemonConfig) | settings_marked(Nature.SHARED, DaemonConfig) == set()


def test_a_setting_whose_name_speaks_of_secrets_is_marked_as_one() -> None:
    names = {*fields(), *(f"sinks.{name}" for name in SinkConfig.model_fields)}
    secrets = SECRETS | {f"sinks.{name}" for name in SINK_SECRETS}
    missing = {key for key in names if SECRET_WORDS.search(key)} - secrets - NO_SECRETS
    assert not missing, f"mark them Secret[...] where they are defined, or name them in NO_SECRETS: {missing}"


async def test_every_live_setting_is_put_in_force_by_a_change() -> None:
    read: set[str] = set()
    async with crawler.open_crawl(executor="inline") as crawl:
        crawl._works.prepare_retune(crawl._engine, recorder(read))()
    missing = LIVE - read
    assert not missing, f"`Works.prepare_retune` hands them to no part, so they may not be marked Live[...]: {missing}"


def test_every_setting_of_a_shared_part_is_marked_as_shared() -> None:
    read: set[str] = set()
    parts.workers(recorder(read))
    parts.budget(recorder(read))
    read |= {key for key in SHARED if key.startswith("telemetry.")}  # `open_shared` hands over the whole table
    assert read >= SHARED
    assert not read - SHARED, f"parts that jobs share read them, so mark them Shared[...]: {read - SHARED}"


@pytest.mark.parametrize("model", [Config, DaemonConfig, SiteConfig, SinkConfig])
def test_every_setting_has_a_help_text_of_whole_sentences(model: type[Table]) -> None:
    wrong = [key for key in fields(model) if not re.search(r"[.`]$", meaning_of(model, key))]
    assert not wrong, f"write a docstring below them that ends with a full stop: {wrong}"


def test_the_page_of_all_settings_is_that_of_the_code() -> None:
    text = (ROOT / "docs/settings.md").read_text("utf-8")
    assert text == reference(), "write it again: make settings"


TABLES = "|".join(sorted({key.partition(".")[0] for key in fields() if "." in key}))
NAMED = re.compile(rf"[`\"']((?:{TABLES})\.[a-z_]+)(?=[`\"' =])")
"""A full name of a setting in quotes, as documents and the dashboard write it."""
NO_SETTINGS = {
    "fetch.py", "frontier.look", "frontier.sqlite", "identity.pem", "scope.depth", "scope.pattern", "scope.py",
    "scope.reason",
    "scope.root", "scope.rule", "urls.explain", "urls.txt", "warc.filename",
}  # fmt: skip
"""Files, functions, and fields of records and of what `crawl explain` prints."""


def test_every_setting_that_documents_and_the_dashboard_name_is_one() -> None:
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("crawler/daemon/dashboard/*.js")]
    named = {(path.name, name) for path in paths for name in NAMED.findall(path.read_text("utf-8"))}
    assert ("create.js", "scope.max_depth") in named
    unknown = {(path, name) for path, name in named if name not in {*fields(), *NO_SETTINGS}}
    assert not unknown, f"there are no such settings: {unknown}"
