"""The statement by which DuckDB writes a table to a Parquet file."""

from __future__ import annotations

from .schema import literal

_ROWS = 20_480
_ROW_GROUP_BYTES = 32 << 20
"""A group of rows is held in memory until it is written: by default 120,000 rows, whatever their size."""


def copy_to_parquet(columns: str, table: str, target: str) -> str:
    """Returns the statement that writes these columns of a table, in the order of its rows where one thread works."""
    return (
        f"copy (select {columns} from {table}) to {literal(target)} (format parquet, compression zstd, "
        f"row_group_size {_ROWS}, row_group_size_bytes {_ROW_GROUP_BYTES}, use_tmp_file false)"
    )
