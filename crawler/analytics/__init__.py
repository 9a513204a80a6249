"""Opens DuckDB for records: their types, within bounds of memory, with errors in our words."""

from __future__ import annotations

from .database import Database, open_database
from .schema import TYPES, read_lines, select_fields

__all__ = ["TYPES", "Database", "open_database", "read_lines", "select_fields"]
