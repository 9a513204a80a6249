"""Rows that are made a batch at a time are those that each record would have by itself."""

from __future__ import annotations

import csv
import io
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.runtime.escaping import json_line
from crawler.sinks.bulk import make_row_picker
from crawler.sinks.columns import COLUMNS
from crawler.sinks.record import FIELDS
from crawler.sinks.rows import Rows

NAMES = ("url", "status", "title", "timings.ttfb", "etag", "description", "depth", "timings.dns", "truncated")
words = st.sampled_from(
    ["null", '":null', "None", "],[", '"', "\\", "=1+1", "-", " @", "\u3000=x", "\uff1d", "\t", "\n", "\r\n", "\u2028",
     ",", "\x1b[2J", "a", "\u00e9", "\u65e5", "\x7f", "\u202e", "'", ""]
)  # fmt: skip
texts = st.one_of(st.none(), st.lists(words, max_size=4).map("".join))
numbers = st.one_of(st.none(), st.integers(-(10**6), 10**12), st.sampled_from([0.0, 1.5, 1e22, -3.25]))
records = st.fixed_dictionaries(
    {"url": texts, "status": numbers, "title": texts, "etag": texts, "description": texts, "depth": numbers,
     "timings": st.one_of(st.none(), st.fixed_dictionaries({"ttfb": numbers}, optional={"dns": numbers}))},
    optional={"truncated": texts, "requisite": st.booleans(), "data": st.dictionaries(texts.map(str), texts)},
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(records, max_size=8), st.sampled_from([NAMES, ("title",), ("etag", "timings.ttfb"), COLUMNS]))
def test_rows_of_a_batch_are_those_of_each_record_alone(found: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    lines = [json_line({**dict.fromkeys(FIELDS), **record}) for record in found]
    for style in ("csv", "tsv"):
        rows = Rows(names, style)
        one_by_one = [rows._make_row(rows._pick(record)) for record in map(_load, lines)]
        assert rows.make(lines) == b"".join(one_by_one)
    made = Rows(names, "csv").make(lines).decode()
    cells = list(csv.reader(io.StringIO(made, newline=""), strict=True))
    assert [len(row) for row in cells] == [len(names)] * len(lines)
    assert not [cell for row in cells for cell in row if _is_formula(cell)]


def _load(line: bytes) -> dict[str, Any]:
    import orjson

    loaded: dict[str, Any] = orjson.loads(line)
    return loaded


def _is_formula(cell: str) -> bool:
    if cell.lstrip()[:1] not in tuple("=+-@\uff1d\uff0b\uff0d\uff20"):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


@given(st.lists(records, min_size=1, max_size=4))
def test_fields_are_picked_as_from_each_record_by_hand(found: list[dict[str, Any]]) -> None:
    pick = make_row_picker(NAMES)
    for record in found:
        timings = record["timings"] or {}
        assert pick(record) == tuple(
            timings.get(name.partition(".")[2]) if "." in name else record.get(name) for name in NAMES
        )
