"""The user's wishes for an export, beside its format and its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wanted:
    """The choices for one export."""

    scratch: Path
    """A folder for temporary files, which are gone at the end."""
    fields: tuple[str, ...] = ()
    """Fields of records, in the order of the columns. Empty: all that the format knows."""
