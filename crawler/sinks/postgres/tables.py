"""The SQL of a table of pages in PostgreSQL: how it is made, and what its name is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..sql import Column, quote

PROGRESS = "crawld_progress"
"""The table that says how many rows each crawl wrote, and of which fields. Written with the rows."""
TYPES = {
    "whole": "bigint", "fraction": "double precision", "truth": "boolean", "time": "timestamptz", "json": "jsonb",
    "text": "text",
}  # fmt: skip


class TableName(NamedTuple):
    """The name of a table, and the schema that it is in."""

    schema: str | None
    """None: the first one of the search path."""
    name: str

    @classmethod
    def read(cls, text: str) -> TableName:
        """Reads `pages` or `crawls.pages`."""
        schema, _, name = text.rpartition(".")
        return cls(schema or None, name)

    def beside(self, name: str) -> TableName:
        """Returns another table in the same schema."""
        return TableName(self.schema, name)

    def __str__(self) -> str:
        """Returns the name as SQL takes it."""
        return f"{quote(self.schema)}.{quote(self.name)}" if self.schema else quote(self.name)


def create_table(table: TableName, columns: Sequence[Column]) -> str:
    """Returns the statement that makes a table of pages."""
    said = "".join(f", {quote(column.name)} {TYPES[column.type]}" for column in columns)
    return f"CREATE TABLE {table} (crawl text NOT NULL, n bigint NOT NULL{said}, PRIMARY KEY (crawl, n))"


def create_progress(table: TableName) -> str:
    """Returns the statement that makes the table of progress."""
    return (
        f"CREATE TABLE {table} (crawl text NOT NULL, pages text NOT NULL, written bigint NOT NULL,"
        f" fields text[] NOT NULL, PRIMARY KEY (crawl, pages))"
    )


def add_columns(table: TableName, columns: Sequence[Column]) -> str:
    """Returns the statement that adds columns to a table."""
    return f"ALTER TABLE {table} {', '.join(f'ADD {quote(one.name)} {TYPES[one.type]}' for one in columns)}"
