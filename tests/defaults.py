"""Makes single parts as the default settings make them, with the fields that a test is about instead."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from crawler import Config
from crawler.assembly import parts, works
from crawler.engine.limits import Limits
from crawler.fetch import HttpFetcher
from crawler.fetch import open_fetcher as _open_fetcher
from crawler.frontier import SqliteFrontier, Terms
from crawler.frontier import open_sqlite as _open_sqlite
from crawler.frontier.terms import WITHOUT_RULES
from crawler.offload import Workers
from crawler.parse import ParseJob
from crawler.policy.politeness import Politeness
from crawler.policy.scope import Scope
from crawler.policy.site_rules import NO_RULES, SiteRules
from crawler.protocols import Bounds
from crawler.settings import FetchConfig
from crawler.urls.canonical import Policy

DEFAULT = Config()
FOLLOWED = frozenset(DEFAULT.scope.follow)
"""Kinds of links that are followed by default."""
POLICY = parts.policy(DEFAULT)


def make_scope(*given: Any, **named: Any) -> Scope:
    return _change(parts.scope(DEFAULT), given, named)


def make_politeness(**named: Any) -> Politeness:
    return _change(parts.politeness(DEFAULT), (), named)


def make_policy(*given: Any, **named: Any) -> Policy:
    return _change(POLICY, given, named)


def make_workers(**named: Any) -> Workers:
    return _change(parts.workers(DEFAULT), (), named)


def make_limits(**named: Any) -> Limits:
    return _change(works._limits(DEFAULT), (), named)


def make_job(key: bytes, run: bytes, bounds: Bounds, **named: Any) -> ParseJob:
    """Returns the job of a crawl without a name of its own."""
    return _change(parts.job(DEFAULT, cast("Scope", bounds), key), (), {"run": run, "agent": "", **named})


def make_terms(*given: Any, **named: Any) -> Terms:
    """Returns terms under which nothing rests and nothing is left out, but for the limits of sites and addresses."""
    said = DEFAULT.politeness
    return _change(replace(WITHOUT_RULES, per_site=said.per_site, per_ip=said.per_ip), given, named)


def open_sqlite(path: Path, terms: Terms, **named: Any) -> AbstractAsyncContextManager[SqliteFrontier]:
    """Opens a frontier that waits for no disk."""
    return _open_sqlite(path, terms, **({"durability": "process"} | named))


def open_fetcher(config: FetchConfig, user_agent: str, **named: Any) -> AbstractAsyncContextManager[HttpFetcher]:
    asked: dict[str, Any] = {"contact": "", "per_ip": DEFAULT.politeness.per_ip, "sites": NO_RULES}
    return _open_fetcher(config, user_agent, **(asked | named))


def make_rules(sites: Mapping[str, object]) -> SiteRules:
    """Returns what these tables of settings for sites say."""
    return SiteRules(Config.model_validate({"sites": sites}).sites)


P = TypeVar("P")


def _change(part: P, given: tuple[Any, ...], named: dict[str, Any]) -> P:
    names = [field.name for field in fields(cast("Any", part))]
    return cast("P", replace(cast("Any", part), **dict(zip(names, given, strict=False)), **named))
