"""The user's wishes for an export, beside its format and its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..sinks.columns import COLUMNS
from .schemas import OWN, Columns, find_columns

TOKENS = 400
LEAST_TOKENS, MOST_TOKENS = 50, 8000


@dataclass(frozen=True, slots=True)
class Wanted:
    """The choices for one export."""

    scratch: Path
    """A folder for temporary files, which are gone at the end."""
    fields: tuple[str, ...] = ()
    """Columns of the schema, in their order. Empty: all that the format knows."""
    schema: str = OWN
    """How the columns are called: `crawld`, `commoncrawl`, `scrapy`."""
    tokens: int = TOKENS
    """The longest passage, in tokens."""
    before: Path | None = None
    """The export before, for formats that tell what changed since. None: there was none."""
    changes: IO[bytes] | None = None
    """The file that gets what changed. None: nobody asks."""

    @property
    def is_choice(self) -> bool:
        """Whether the records should come otherwise than they are stored."""
        return bool(self.fields) or self.schema != OWN

    def columns(self, usual: Sequence[str] = COLUMNS) -> Columns:
        """Returns the columns; `usual` are ours where none are chosen. Raises ConfigError."""
        return find_columns(self.schema, self.fields, usual)
