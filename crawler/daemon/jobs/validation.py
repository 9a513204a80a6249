"""Checks the settings and names of a request as a whole, before anything is saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...assembly import parts
from ...errors import ConfigError
from ...settings import Config, Table
from ...settings.catalog import FIXED, OLD_NAMES, SECRETS, SINK_SECRETS, fields, last_word
from ...settings.loading import amend, changes, chosen_settings, mask_value, value_of
from ..errors import BadJob, BadSettings, Complaint
from ..owners import UNHEARD, Rule, add_owners_sites, drop_owner_settings, refusals
from .job import PRIORITIES, JobSpec, Settings

MASK = "***"
MOST_NAME = 200
MOST_LABELS = 64


def choose(given: Settings, rule: Rule, template: Settings | None = None) -> Settings:
    """Returns the settings of the template with the given ones over them, in tables, ready to be saved.

    Raises BadSettings for a wrong name, type or bound, and for a setting that only the daemon's owner may choose.
    """
    chosen, _ = _read(given, rule, template or {})
    return _check_allowed(chosen, chosen, rule)


def alter(chosen: Settings, given: Settings, rule: Rule) -> Settings:
    """Returns `chosen` changed by `given`, in tables. Raises BadSettings as `choose` does.

    Only `given` is checked against the owner's rules; earlier choices are checked when the job starts.
    """
    new, asked = _read(given, rule, chosen)
    return _check_allowed(new, asked, rule)


def _read(given: Settings, rule: Rule, over: Settings) -> tuple[Config, Config]:
    """Returns `over` changed by `given`, and `given` alone. Raises BadSettings."""
    try:
        asked = amend(Config(), given)
        chosen = amend(amend(Config(), over), given)
        _check_readable(apply_rules(_plain(chosen), rule))
    except ConfigError as error:
        raise BadSettings(list(_complaints(error))) from error
    return chosen, asked


def _check_readable(config: Config) -> None:
    """Raises ConfigError if a pattern or a selector cannot be read."""
    parts.scope(config)
    parts.selectors(config)


def _check_allowed(chosen: Config, judged: Config, rule: Rule) -> Settings:
    if refused := list(refusals(judged, rule)):
        raise BadSettings(refused)
    return _plain(chosen)


def apply_rules(chosen: Settings, rule: Rule) -> Config:
    """Returns all settings of a job that chose these. Raises ConfigError."""
    return amend(rule.base, add_owners_sites(rule.base, drop_owner_settings(amend(Config(), chosen))))


def settings_in_force(chosen: Settings, rule: Rule, *, is_adopted: bool = False) -> Config:
    """Returns every setting that a job's crawl is opened with, so that no older value from its folder counts.

    Raises BadSettings if the daemon's own settings now forbid a choice of the job.
    """
    check_still(chosen, rule, is_adopted=is_adopted)
    config = apply_rules(chosen, rule)
    return amend(config, {key: value_of(config, key) for key in fields() if key not in FIXED})


def check_still(chosen: Settings, rule: Rule, *, is_adopted: bool = False) -> None:
    """Raises BadSettings if a choice that was once allowed is forbidden now. Of an adopted folder, settings in UNHEARD
    do not count.
    """
    refused = [one for one in refusals(amend(Config(), chosen), rule) if not (is_adopted and one.field in UNHEARD)]
    try:
        _check_readable(apply_rules(chosen, rule))  # those of an older version may no longer be taken
    except ConfigError as error:
        refused += _complaints(error)
    if refused:
        raise BadSettings([Complaint(one.field, f"{one.text}: change it, and resume the job") for one in refused])


def differences(before: Config, after: Config) -> list[tuple[str, object, object]]:
    """Returns name, old and new value of each setting that differs, with secrets hidden.

    Raises BadSettings for a setting that never changes in a job's life.
    """
    try:
        told = changes(before, after)
    except ConfigError as error:
        raise BadSettings([Complaint(*line.split(": ", 1)) for line in str(error).splitlines()]) from error
    return [(one.key, _as_json(one.old), _as_json(one.new)) for one in (*told.applied, *told.needs_restart)]


def _as_json(value: object) -> object:
    """Returns the value of a setting with its tables as plain dictionaries."""
    if isinstance(value, Mapping):
        return {name: _as_json(inner) for name, inner in value.items()}
    return value.model_dump(mode="json", exclude_unset=True) if isinstance(value, Table) else value


def flatten_settings(chosen: Settings) -> Mapping[str, object]:
    """Returns the chosen settings by full name. Raises ConfigError."""
    return chosen_settings(amend(Config(), chosen))


def mask_secrets(chosen: Settings) -> Settings:
    """Returns the settings with secrets replaced by MASK."""
    tables: dict[str, Any] = {
        name: dict(value) if isinstance(value, Mapping) else value for name, value in chosen.items()
    }
    for key in (*SECRETS, *OLD_NAMES):
        table = tables.get(key.partition(".")[0]) if "." in key else tables
        if isinstance(table, dict) and last_word(key) in table:
            value = table[last_word(key)]
            table[last_word(key)] = value if mask_value(OLD_NAMES.get(key, key), value) == value else MASK
    if isinstance(sinks := tables.get("sinks"), list | tuple):
        tables["sinks"] = [
            {name: MASK if name in SINK_SECRETS and value else value for name, value in one.items()} for one in sinks
        ]
    return tables


def check_names(spec: JobSpec) -> None:
    """Raises BadJob if a name, a label or the priority cannot be used."""
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


def _complaints(error: ConfigError) -> Iterator[Complaint]:
    """Yields what is wrong, each setting with its name once."""
    if len(error.words) == len(error.places):
        yield from map(Complaint, error.places, error.words)
        return
    for line in str(error).splitlines():
        name, colon, words = line.removeprefix("settings: ").partition(": ")
        yield Complaint(name, words) if colon and name in fields() else Complaint("settings", line)
