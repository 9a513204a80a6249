"""Tables that a crawl writes while it runs, held against its records: each visit once, and nothing else."""

from __future__ import annotations

import csv
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import duckdb

from tests.hostile.victim import Victim

Visits = Counter[tuple[str, int]]
"""How often each visit, by its URL and its number, is there."""


def read_csv(folder: Path) -> Visits:
    with (folder / "pages.csv").open(newline="", encoding="utf-8") as file:
        return Counter((row["url"], int(row["visit"])) for row in csv.DictReader(file))


def read_sqlite(folder: Path) -> Visits:
    with closing(sqlite3.connect(f"file:{folder / 'pages.sqlite'}?mode=ro", uri=True)) as rows:
        assert [tuple(one) for one in rows.execute("PRAGMA integrity_check")] == [("ok",)]
        return Counter((url, visit) for url, visit in rows.execute("SELECT url, visit FROM pages"))


def read_parquet(folder: Path) -> Visits:
    if not [*(folder / "parquet").glob("*.parquet")]:
        return Counter()
    table = f"read_parquet('{folder / 'parquet'}/*.parquet')"
    with duckdb.connect() as database:
        return Counter((url, visit) for url, visit in database.execute(f"SELECT url, visit FROM {table}").fetchall())


TABLES: Mapping[str, tuple[str, Callable[[Path], Visits]]] = {
    "parquet": ('[[sinks]]\nkind = "parquet"\nbatch = 20\n', read_parquet),
    "sqlite": ('[[sinks]]\nkind = "sqlite"\n', read_sqlite),
    "csv": ('[[sinks]]\nkind = "csv"\nfields = ["url", "visit", "title"]\n', read_csv),
}
"""Each kind with its settings, and how it is read from a crawl folder."""


def add_tables(crawl: Victim, *kinds: str) -> None:
    """Makes the crawl write these tables beside its records."""
    file = crawl.folder.with_name("tables.toml")
    file.write_text('[[sinks]]\nkind = "jsonl"\n' + "".join(TABLES[kind][0] for kind in kinds))
    crawl.options = (*crawl.options, "-c", str(file))


def check_tables(crawl: Victim, *kinds: str) -> str:
    """Asserts that each table has exactly the visits of the records; returns what was seen."""
    visits = Counter((str(one["url"]), int(str(one["visit"]))) for one in crawl.records())
    for kind in kinds:
        found = TABLES[kind][1](crawl.folder)
        assert found == visits, f"{kind}: missing {list(visits - found)[:3]}, too many {list(found - visits)[:3]}"
    return f"{visits.total()} visits once in each of {', '.join(kinds)}"
