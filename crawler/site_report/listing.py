"""Writes all findings as JSON or as a table, one after the other, in memory that does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO

import orjson

from ..audit import Finding
from ..sinks.rows import Rows

VERSION = 1
"""Version of the JSON. Under the same number no field is renamed or changes its meaning."""
BATCH = 1000
"""Rows that are written together: a finding may have as many as the crawl has pages."""
COLUMNS = ("code", "severity", "url", "detail", "page", "text", "advice")
"""Columns of the table: a row for each page that shows a finding, or one for a finding that is about a page itself."""


def write_json(findings: Iterable[Finding], head: dict[str, object], file: IO[bytes]) -> None:
    """Writes one JSON object: the fields of `head`, then `findings`. Raises OSError."""
    file.write(orjson.dumps({"v": VERSION, **head})[:-1] + b',"findings":[')
    for number, finding in enumerate(findings):
        file.write((b",\n" if number else b"\n") + orjson.dumps(finding.record()))
    file.write(b"\n]}\n")


def write_csv(findings: Iterable[Finding], file: IO[bytes]) -> None:
    """Writes a row of names and a row for each page, which no spreadsheet takes for formulas. Raises OSError."""
    rows = Rows(COLUMNS, "csv")
    file.write(rows.head)
    for finding in findings:
        lines = map(orjson.dumps, _rows(finding))
        while batch := rows.make(islice(lines, BATCH)):
            file.write(batch)


def _rows(finding: Finding) -> Iterator[dict[str, str]]:
    cells = {name: str(getattr(finding, name)) for name in ("code", "severity", "url", "detail", "advice")}
    for place in finding.pages:
        yield {**cells, "page": place.url, "text": place.text}
    if not finding.pages:
        yield {**cells, "page": finding.url, "text": ""}
