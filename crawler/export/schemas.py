"""Names the columns of tables as other tools do: Common Crawl's index, Scrapy's responses, and our own records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from ..conditions import Kind
from ..errors import ConfigError
from ..records import Record, media_type
from ..runtime.nearest import did_you_mean
from ..sinks.bulk import Pick, Row, make_row_picker
from ..sinks.columns import COLUMNS, check_fields
from ..sinks.field_kinds import kind_of
from ..urls.url import is_address, suffix_and_domain
from ..warc.surt import make_surt

OWN = "crawld"
Make = Callable[[Record], object]


class Column(NamedTuple):
    """One column of a schema."""

    kind: Kind
    make: str | Make
    """The field that it holds, or a function of the record. A function never raises for a record of ours."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one table."""

    names: tuple[str, ...]
    fields: tuple[str, ...]
    """The fields of the records that they hold; where a column is computed, its own name."""
    kinds: tuple[Kind, ...]
    pick: Pick
    """Takes the values of the columns out of a record; None where it has none."""


def find_columns(schema: str, chosen: Sequence[str], usual: Sequence[str] = COLUMNS) -> Columns:
    """Returns the columns of a schema, or those of them that are chosen.

    `usual` are the columns of our own schema where none are chosen. Raises ConfigError for an unknown name.
    """
    if schema not in SCHEMAS and schema != OWN:
        near = did_you_mean(schema, (OWN, *SCHEMAS), f"; there are {', '.join((OWN, *SCHEMAS))}")
        raise ConfigError(f"--schema: {schema!r} is no schema{near}")
    if schema == OWN:
        names = check_fields(chosen) or tuple(usual)
        return Columns(names, names, tuple(map(kind_of, names)), make_row_picker(names))
    return _make_columns(schema, _check_names(schema, chosen) or tuple(SCHEMAS[schema]))


def _check_names(schema: str, names: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    for name in found:
        if name not in SCHEMAS[schema] and not name.startswith("data."):
            near = did_you_mean(name, SCHEMAS[schema], "; docs/exporting.md lists them")
            raise ConfigError(f"--fields: the schema {schema} has no column {name!r}{near}")
    return found


def _make_columns(schema: str, names: Sequence[str]) -> Columns:
    columns = [SCHEMAS[schema].get(name) or Column("any", name) for name in names]
    fields = tuple(
        column.make if isinstance(column.make, str) else name for column, name in zip(columns, names, strict=True)
    )
    makes = [column.make if not isinstance(column.make, str) else _take(column.make) for column in columns]

    def pick(record: Record) -> Row:
        return tuple([make(record) for make in makes])

    shown = tuple(name.removeprefix("data.") for name in names)
    return Columns(shown, fields, tuple(column.kind for column in columns), pick)


def _take(field: str) -> Make:
    if "." not in field:
        return lambda record: record.get(field)
    pick = make_row_picker((field,))
    return lambda record: pick(record)[0]


_last: tuple[str, SplitResult] = "", urlsplit("")


def _split(record: Record) -> SplitResult:
    """Returns the parts of a record's URL. Several columns ask for them one after another."""
    global _last  # noqa: PLW0603  a cache of one
    url = record.get("url") or ""
    known, parts = _last
    if known != url:
        parts = urlsplit(url)
        _last = url, parts
    return parts


def _host(record: Record) -> str:
    return _split(record).hostname or ""


def _label(place: int) -> Make:
    def make(record: Record) -> str | None:
        host = _host(record)
        labels = host.split(".")
        return labels[-place] if len(labels) >= place and not is_address(host) else None

    return make


def _domain(at: int, *, only_registries: bool) -> Make:
    return lambda record: suffix_and_domain(_host(record), only_registries=only_registries)[at]


def _reversed_host(record: Record) -> str | None:
    host = _host(record)
    return None if is_address(host) else ".".join(reversed(host.split(".")))


def _mime(record: Record) -> str | None:
    return media_type(record.get("content_type") or "") or None


def _subset(record: Record) -> str:
    return "warc" if record.get("status") == 200 else "crawldiagnostics"


def _nothing(record: Record) -> None:
    return None


def _latency(record: Record) -> float | None:
    timings = record.get("timings")
    if not isinstance(timings, dict):
        return None
    return round(sum(timings.get(part) or 0.0 for part in ("dns", "connect", "ttfb")) / 1000, 4)


def _retries(record: Record) -> int:
    return (record.get("attempt") or 1) - 1


COMMON_CRAWL: Mapping[str, Column] = {
    "url_surtkey": Column("text", lambda record: make_surt(record.get("url") or "")),
    "url": Column("text", "url"),
    "url_host_name": Column("text", _host),
    "url_host_tld": Column("text", _label(1)),
    "url_host_2nd_last_part": Column("text", _label(2)),
    "url_host_3rd_last_part": Column("text", _label(3)),
    "url_host_4th_last_part": Column("text", _label(4)),
    "url_host_5th_last_part": Column("text", _label(5)),
    "url_host_registry_suffix": Column("text", _domain(0, only_registries=True)),
    "url_host_registered_domain": Column("text", _domain(1, only_registries=True)),
    "url_host_private_suffix": Column("text", _domain(0, only_registries=False)),
    "url_host_private_domain": Column("text", _domain(1, only_registries=False)),
    "url_host_name_reversed": Column("text", _reversed_host),
    "url_protocol": Column("text", lambda record: _split(record).scheme),
    "url_port": Column("number", lambda record: _split(record).port),
    "url_path": Column("text", lambda record: _split(record).path),
    "url_query": Column("text", lambda record: _split(record).query or None),
    "fetch_time": Column("time", "fetched_at"),
    "fetch_status": Column("number", "status"),
    "fetch_redirect": Column("text", "location"),
    "content_digest": Column("text", "digest"),
    "content_mime_type": Column("text", _mime),
    "content_mime_detected": Column("text", _nothing),
    "content_charset": Column("text", "charset"),
    "content_languages": Column("text", _nothing),
    "content_truncated": Column("text", "truncated"),
    "warc_filename": Column("text", "warc.filename"),
    "warc_record_offset": Column("number", "warc.offset"),
    "warc_record_length": Column("number", "warc.length"),
    "warc_segment": Column("text", _nothing),
    "subset": Column("text", _subset),
}
"""The columns of Common Crawl's index (cc-index-table) of which a record knows something, in its order."""

SCRAPY: Mapping[str, Column] = {
    "url": Column("text", "url"),
    "status": Column("number", "status"),
    "title": Column("text", "title"),
    "description": Column("text", "description"),
    "depth": Column("number", "depth"),
    "referer": Column("text", "via"),
    "content_type": Column("text", "content_type"),
    "encoding": Column("text", "charset"),
    "size": Column("number", "length"),
    "ip_address": Column("text", "ip"),
    "download_latency": Column("number", _latency),
    "retry_times": Column("number", _retries),
    "redirect_to": Column("text", "location"),
    "canonical": Column("text", "canonical"),
    "language": Column("text", "language"),
    "timestamp": Column("time", "fetched_at"),
    "data": Column("any", "data"),
}
"""The names of Scrapy: attributes of a Response, keys of its meta, words of its log; spiders call the rest so."""

SCHEMAS: Mapping[str, Mapping[str, Column]] = {"commoncrawl": COMMON_CRAWL, "scrapy": SCRAPY}
"""The schemas of others, by their names."""
