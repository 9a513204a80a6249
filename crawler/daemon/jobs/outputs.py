"""Chooses the outputs of a job by the short words of its request: links, text, markdown, metadata, formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...settings import JOB_SINKS, Config, SinkConfig
from ..errors import BadJob, Complaint
from ..owners import Rule
from .job import JobSpec, Settings
from .validation import apply_rules, choose

RECORDS = "jsonl"
FIELDS = ("links", "text", "markdown", "metadata")
"""Fields of records that have a word of their own in a request."""


def formats_of(base: Config) -> Sequence[str]:
    """Returns the formats that a job may have: ours, and those of the outputs in the daemon's own settings."""
    return list(dict.fromkeys([*sorted(JOB_SINKS), *(sink.kind for sink in base.sinks)]))


def choose_settings(spec: JobSpec, rule: Rule, template: Settings) -> Settings:
    """Returns the settings of the template with those of the request over them, its outputs included.

    Raises BadSettings as `choose` does; BadJob for outputs that the job cannot have.
    """
    chosen = choose(spec.settings, rule, template)
    if not says_outputs(spec):
        return chosen
    if wrong := list(_wrong(spec, rule.base)):
        raise BadJob(wrong)
    sinks = _of_formats(spec.formats, rule.base) or apply_rules(chosen, rule).sinks
    return choose({**spec.settings, "sinks": _with_fields(sinks, spec)}, rule, template)


def says_outputs(spec: JobSpec) -> bool:
    """Whether the request says something about its outputs beside its settings."""
    return bool(spec.formats) or bool(list(_said(spec)))


def _said(spec: JobSpec) -> Iterator[tuple[str, bool]]:
    """Yields the fields of records that the request chooses by their own words."""
    for name in FIELDS:
        if (value := getattr(spec, name)) is not None:
            yield name, value


def _wrong(spec: JobSpec, base: Config) -> Iterator[Complaint]:
    known = formats_of(base)
    for name in spec.formats:
        if name not in known:
            yield Complaint("formats", f"there is no format {name[:50]!r} here; this daemon has {', '.join(known)}")
    if spec.formats and "sinks" in spec.settings:
        yield Complaint("formats", "should be left out where the settings name `sinks`, or the other way round")


def _of_formats(formats: Sequence[str], base: Config) -> tuple[SinkConfig, ...]:
    """Returns the daemon's own outputs in these formats; of a format of ours that it has none in, the usual one."""
    found: list[SinkConfig] = []
    for name in dict.fromkeys(formats):
        found += [sink for sink in base.sinks if sink.kind == name] or [SinkConfig(kind=name)]
    return tuple(found)


def _with_fields(sinks: Sequence[SinkConfig], spec: JobSpec) -> list[Mapping[str, object]]:
    """Returns the outputs with links, texts and metadata as the request has them.

    Only records in JSON Lines have these fields here: an archive has none, and outputs in formats of packages stay as
    the owner wrote them. Raises BadJob if there are no such records.
    """
    said = dict(_said(spec))
    if said and not any(sink.kind == RECORDS for sink in sinks):
        raise BadJob([Complaint(name, "can be chosen for records in jsonl alone; this job has none") for name in said])
    return [sink.model_dump(mode="json", exclude_unset=True) | (said if sink.kind == RECORDS else {}) for sink in sinks]
