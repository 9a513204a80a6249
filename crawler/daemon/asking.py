"""What may be asked for: settings and names checked as a whole, before anything is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network

from .. import parts
from ..config import FIXED, amend, changes, explicit, fields, leaf, shown, value_of
from ..errors import ConfigError
from ..settings import SECRETS, Config
from .job import PRIORITIES, JobSpec, Settings
from .trouble import BadJob, BadSettings, Complaint

MASK = "***"
MOST_NAME = 200
MOST_LABELS = 64
OWNERS = (
    "fetch.proxy",  # nobody can see behind it where requests go
    "fetch.no_proxy",
    "fetch.ca_file",  # a file of this machine
    "frontier.kind",  # a job outlives the process
    "offload.executor",  # workers belong to all jobs
    "offload.workers",
    "offload.inline_below_bytes",
    "offload.batch",
    "offload.page_cpu_s",
)
"""Settings that the daemon's own file alone may choose."""
HARMLESS = frozenset(key for key in OWNERS if not key.startswith("fetch."))
"""Those of a crawl folder that was made elsewhere: a job does not go by them."""


def choose(given: Settings, base: Config, over: Settings | None = None) -> Settings:
    """`over` changed by `given`, in tables, ready to be kept. `base` is what every job begins with.

    Names, types and bounds are right, and nothing is chosen that is for the daemon's owner alone. Raises BadSettings.
    """
    try:
        asked = amend(Config(), given)
        chosen = _plain(amend(amend(Config(), over or {}), given))
        parts.scope(amend(base, chosen))
    except ConfigError as error:
        raise BadSettings(list(_complaints(error))) from error
    if refused := list(_not_theirs(asked, base)):
        raise BadSettings(refused)
    return chosen


def in_force(chosen: Settings, base: Config) -> Config:
    """What a job's crawl is opened with: every setting of it, so that nothing counts which an older rule left in its
    folder. Raises BadSettings where the daemon's own settings forbid by now what was chosen.
    """
    check_still(chosen, base)
    config = amend(base, chosen)
    return amend(config, {key: value_of(config, key) for key in fields() if key not in FIXED})


def check_still(chosen: Settings, base: Config) -> None:
    """What was allowed once may be forbidden since. Raises BadSettings."""
    refused = [one for one in _not_theirs(amend(Config(), chosen), base) if one.field not in HARMLESS]
    try:
        parts.scope(amend(base, chosen))
    except ConfigError as error:
        refused += _complaints(error)
    if refused:
        raise BadSettings([Complaint(one.field, f"{one.text}: change it, and resume the job") for one in refused])


def differences(before: Config, after: Config) -> list[tuple[str, object, object]]:
    """Name, old and new value, fit to be shown, of what is not the same. Raises BadSettings for what never changes."""
    try:
        told = changes(before, after)
    except ConfigError as error:
        raise BadSettings([Complaint(*line.split(": ", 1)) for line in str(error).splitlines()]) from error
    return [(one.key, one.old, one.new) for one in (*told.applied, *told.needs_restart)]


def named(chosen: Settings) -> Mapping[str, object]:
    """What is chosen, by full name. Raises ConfigError."""
    return explicit(amend(Config(), chosen))


def masked(chosen: Settings) -> Settings:
    """The same, fit to be shown."""
    tables = {name: dict(value) if isinstance(value, Mapping) else value for name, value in chosen.items()}
    for key in SECRETS:
        table = tables.get(key.partition(".")[0])
        if isinstance(table, dict) and leaf(key) in table:
            value = table[leaf(key)]
            table[leaf(key)] = value if shown(key, value) == value else MASK
    return tables


def check_names(spec: JobSpec) -> None:
    """Raises BadJob."""
    wrong = list(_wrong_names(spec))
    if wrong:
        raise BadJob(wrong)


def _wrong_names(spec: JobSpec) -> Iterator[Complaint]:
    if not _is_name(spec.name):
        yield Complaint("name", f"should be one line of at most {MOST_NAME} characters")
    if spec.priority is not None and spec.priority not in PRIORITIES:
        yield Complaint("priority", f"should be from {PRIORITIES[0]} to {PRIORITIES[-1]}")
    if len(spec.labels) > MOST_LABELS:
        yield Complaint("labels", f"should be {MOST_LABELS} at most")
    for name, value in spec.labels.items():
        if not (name and _is_name(name) and _is_name(value)):
            yield Complaint(f"labels.{name[:50]}", f"name and value should be lines of at most {MOST_NAME} characters")


def _is_name(text: str) -> bool:
    return len(text) <= MOST_NAME and (text.isprintable() or not text)


def _plain(config: Config) -> Settings:
    chosen: Settings = config.model_dump(mode="json", exclude_unset=True)
    return chosen


def _not_theirs(config: Config, base: Config) -> Iterator[Complaint]:
    for key in OWNERS:
        if key in explicit(config) and value_of(config, key) != value_of(base, key):
            yield Complaint(key, "is for the daemon's own settings to choose")
    for site, said in config.fetch.sites.items():
        if said.client_cert or said.client_key:
            yield Complaint(f"fetch.sites.{site}", "a certificate is for the daemon's own settings to choose")
    largest = base.fetch.max_body_bytes
    if config.fetch.max_body_bytes > largest and "fetch.max_body_bytes" in explicit(config):
        yield Complaint("fetch.max_body_bytes", f"{largest} at most, as the daemon's own settings have it")
    allowed = base.fetch.allow_networks
    for network in config.fetch.allow_networks:
        if not _lies_in(network, allowed):
            yield Complaint("fetch.allow_networks", f"{network} is not allowed by the daemon's own settings")


def _lies_in(network: str, allowed: Iterable[str]) -> bool:
    inner = ip_network(network)
    outer = [ip_network(one) for one in allowed]
    return any(inner.network_address in one and inner.broadcast_address in one for one in outer)


def _complaints(error: ConfigError) -> Iterator[Complaint]:
    lines = [line.removeprefix("settings: ") for line in str(error).splitlines()]
    if len(lines) != len(error.places):
        yield Complaint("settings", str(error))
        return
    yield from map(Complaint, error.places, lines)
