"""The settings that only the daemon's owner may choose, and the bounds of those that jobs may choose."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from typing import NamedTuple

from ..errors import ConfigError
from ..settings import JOB_SINKS, Config, Mark, SinkConfig, Table, mark_of
from ..settings.catalog import default_of, fields
from ..settings.loading import amend, chosen_settings, value_of
from .errors import Complaint

Bounds = Mapping[str, object]
"""Limits that no job may exceed, by full name of the setting."""
OWNERS = tuple(key for key, field in fields().items() if mark_of(field) is None)
"""Settings that only the daemon's own file may choose: all that are not marked as a job's in their definition."""
UNHEARD = frozenset(key for key in OWNERS if not key.startswith("fetch.")) | {"fetch.budget_bytes"}
"""Settings that are ignored in a crawl folder made elsewhere: its job uses the daemon's values."""
OF_ALL_SITES = {
    "delay_s": "politeness.delay_s",
    "per_site": "politeness.per_site",
    "limit": "scope.limit_per_site",
    "bytes_per_s": "fetch.bytes_per_s",
}
"""Settings of single sites, and the settings of all sites whose bounds hold for them, too."""
_CREDENTIALS = ("basic_auth", "bearer")
_OWNERS = "is for the daemon's owner: leave it out, or set it in the file of `crawl serve -c FILE`"


class Rule(NamedTuple):
    """The settings that jobs start from, and the bounds that they may not exceed."""

    base: Config
    bounds: Bounds = {}  # noqa: RUF012 - never changed


def check_bounds(given: Mapping[str, object]) -> dict[str, object]:
    """Returns the bounds by full name. Raises ConfigError for a setting that no job may choose anyway."""
    bounds = chosen_settings(amend(Config(), given))
    if owners := [key for key in bounds if key in OWNERS]:
        raise ConfigError(f"{owners[0]}: no job may choose it anyway")
    return bounds


def clamp_to_bounds(base: Config, bounds: Bounds) -> Config:
    """Returns `base` brought within the bounds: the settings of a job that chooses nothing."""
    beyond = {key: bound for key, bound in bounds.items() if not _is_within(key, value_of(base, key), bound)}
    return amend(base, beyond) if beyond else base


def drop_owner_settings(chosen: Config) -> dict[str, object]:
    """Returns a job's settings without those that are ignored (UNHEARD), by full name."""
    return {key: value for key, value in chosen_settings(chosen).items() if key not in UNHEARD}


def add_owners_sites(base: Config, chosen: Mapping[str, object]) -> dict[str, object]:
    """Returns a job's settings of single sites over the owner's: those that the job does not choose stay the owner's.

    `chosen` are all settings of the job by full name, and come back with it.
    """
    given = chosen.get("sites")
    if not isinstance(given, Mapping):
        return dict(chosen)
    sites = {name: table.model_dump(exclude_unset=True) for name, table in base.sites.items()}
    for name, table in given.items():
        own, owners = table.model_dump(exclude_unset=True), sites.get(name, {})
        if any(own.get(one) for one in _CREDENTIALS) or table.secrets:
            owners = {one: value for one, value in owners.items() if one not in _CREDENTIALS}
        sites[name] = owners | own
    return {**chosen, "sites": sites}


def refusals(chosen: Config, rule: Rule) -> Iterator[Complaint]:
    """Yields a complaint for each setting that the job may not choose, with what to do."""
    base = rule.base
    said = chosen_settings(chosen)
    for key in OWNERS:
        if key in said and said[key] != value_of(base, key):
            yield Complaint(key, _OWNERS)
    yield from _refuse_formats(chosen, base)
    for place, table in _inner(chosen):
        for name in sorted(table.model_fields_set):
            field = type(table).model_fields[name]
            if mark_of(field) is None and getattr(table, name) != default_of(field):
                yield Complaint(place, f"{name} {_OWNERS}")
    for key, bound in [("fetch.max_body_bytes", base.fetch.max_body_bytes), *rule.bounds.items()]:
        if key in said and not _is_within(key, said[key], bound):
            yield Complaint(key, f"{_describe_bound(key, bound)}, as the daemon's own settings have it")
    yield from _refuse_beyond(chosen, rule.bounds)
    for network in chosen.fetch.allow_networks:
        if not _is_inside(network, base.fetch.allow_networks):
            yield Complaint("fetch.allow_networks", f"{network} is not allowed by the daemon's own settings")


def is_format_allowed(sink: SinkConfig, base: Config) -> bool:
    """Whether a job may have this output: one in its folder, or one exactly as the owner's settings have it.

    A database, a webhook or a format of a package may reach anywhere, so only the owner chooses it.
    """
    return sink.kind in JOB_SINKS or sink in base.sinks


def _refuse_formats(chosen: Config, base: Config) -> Iterator[Complaint]:
    for number, sink in enumerate(chosen.sinks):
        if not is_format_allowed(sink, base):
            yield Complaint(f"sinks.{number}", f"kind {sink.kind!r} {_OWNERS}")


def _refuse_beyond(chosen: Config, bounds: Bounds) -> Iterator[Complaint]:
    """Yields a complaint for each setting of a site that goes beyond the bound of the same setting of all sites."""
    for site, table in chosen.sites.items():
        for name, key in OF_ALL_SITES.items():
            value = getattr(table, name)
            if key in bounds and value is not None and not _is_within(key, value, bounds[key]):
                said = f"{name} {_describe_bound(key, bounds[key])}, as the daemon's own settings have {key}"
                yield Complaint(f"sites.{site}", said)


def _inner(chosen: Config) -> Iterator[tuple[str, Table]]:
    """Yields the tables inside settings, each with its full name, without outputs that only the owner chooses."""
    yield from ((f"sites.{site}", table) for site, table in chosen.sites.items())
    yield from ((f"sinks.{number}", table) for number, table in enumerate(chosen.sinks) if table.kind in JOB_SINKS)


def _mark(key: str) -> Mark:
    return mark_of(fields()[key]) or Mark()


def _is_within(key: str, value: object, bound: object) -> bool:
    match _mark(key).bound:
        case "most":
            return _number(value) <= _number(bound)
        case "least":
            return _number(value) >= _number(bound)
        case _:
            return value == bound


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else math.inf


def _describe_bound(key: str, bound: object) -> str:
    kind = _mark(key).bound
    return f"should be {bound}" if kind == "exactly" else f"should be {bound} at {kind}"


def _is_inside(network: str, allowed: Iterable[str]) -> bool:
    inner = ip_network(network)
    outer = [ip_network(one) for one in allowed]
    return any(inner.network_address in one and inner.broadcast_address in one for one in outer)
