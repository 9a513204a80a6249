"""Knows which type of SQL each field of a record has, and how DuckDB reads lines of records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

_TIMINGS = ("queue", "dns", "connect", "ttfb", "download", "parse")

TYPES: Mapping[str, str] = {
    "v": "INTEGER",
    "url": "VARCHAR",
    "status": "INTEGER",
    "disposition": "VARCHAR",
    "reason": "VARCHAR",
    "detail": "VARCHAR",
    "location": "VARCHAR",
    "duplicate_of": "VARCHAR",
    "seed": "VARCHAR",
    "via": "VARCHAR",
    "depth": "INTEGER",
    "attempt": "INTEGER",
    "visit": "INTEGER",
    "fetched_at": "TIMESTAMP WITH TIME ZONE",
    "elapsed_ms": "DOUBLE",
    "timings": f"STRUCT({', '.join(f'{part} DOUBLE' for part in _TIMINGS)})",
    "ip": "VARCHAR",
    "tls": "VARCHAR",
    "content_type": "VARCHAR",
    "etag": "VARCHAR",
    "last_modified": "VARCHAR",
    "charset": "VARCHAR",
    "length": "BIGINT",
    "truncated": "VARCHAR",
    "digest": "VARCHAR",
    "simhash": "VARCHAR",
    "title": "VARCHAR",
    "description": "VARCHAR",
    "language": "VARCHAR",
    "canonical": "VARCHAR",
    "n_links": "INTEGER",
    "robots": "VARCHAR",
    "near_duplicate_of": "VARCHAR",
    "links": "VARCHAR[]",
    "audit": "JSON",
    "text": "VARCHAR",
    "markdown": "VARCHAR",
    "text_from": "VARCHAR",
    "metadata": "JSON",
    "structured": "JSON",
    "headers": "VARCHAR[][]",
    "pdf": "JSON",
    "fields": "JSON",
    "data": "JSON",
    "trace": "JSON",
    "warc": 'STRUCT(filename VARCHAR, "offset" BIGINT, "length" BIGINT)',
    "file": "VARCHAR",
    "screenshot": "VARCHAR",
    "print": "VARCHAR",
    "rendered": "VARCHAR",
    "render_ms": "DOUBLE",
    "relevance": "DOUBLE",
    "usage": "JSON",
    "method": "VARCHAR",
    "request_id": "VARCHAR",
    "label": "VARCHAR",
    "request_data": "JSON",
    "requisite": "BOOLEAN",
    "extra_hop": "INTEGER",
}
"""The type of each field, in the order of docs/records.md. A record that lacks one has NULL there."""
OBJECT_BYTES = 16 << 20
"""Bytes of a record that are expected at most. DuckDB reads blocks of twice this size."""


def read_lines(
    path: str, names: Iterable[str] = TYPES, records: int | None = None, object_bytes: int = OBJECT_BYTES
) -> str:
    """Returns a table of SQL: the fields of the first so many records of a file (None: all), each with its type.

    With a number of records, what stands behind them may be cut short.
    """
    columns = ", ".join(f"{literal(name)}: {literal(TYPES[name])}" for name in names)
    options = f"format = 'newline_delimited', columns = {{{columns}}}, maximum_object_size = {object_bytes}"
    if records is None:
        return f"read_json({literal(path)}, {options})"
    return f"(select * from read_json({literal(path)}, {options}, ignore_errors = true) limit {records})"


def select_fields(fields: Sequence[str]) -> tuple[str, list[str]]:
    """Returns the columns of SQL for these fields, `timings.ttfb` among them, and the fields of records they need."""
    return ", ".join(map(_column, fields)), list(dict.fromkeys(field.partition(".")[0] for field in fields))


def _column(field: str) -> str:
    name, *parts = field.split(".")
    if not parts:
        return quote(name)
    if TYPES[name] == "JSON":
        pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
        return f"json_extract({quote(name)}, {literal(pointer)}) as {quote(field)}"
    return f"{quote(name)}.{'.'.join(map(quote, parts))} as {quote(field)}"


def quote(name: str) -> str:
    """Returns a name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Returns text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
