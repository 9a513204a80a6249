"""Declares the settings of pages that repeat others."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .table import ForJobs, Table


class DedupeConfig(Table):
    """Pages whose text nearly repeats that of an earlier page of the crawl (docs/near-duplicates.md)."""

    near_duplicates: ForJobs[Literal["keep", "mark", "skip"]] = "keep"
    """How near duplicates are recorded: `keep` does not look for them; `mark` names the earlier page in their records
    (`near_duplicate_of`); `skip` leaves out their `text` and `markdown` as well."""
    near_similarity: ForJobs[Annotated[float, Field(ge=0.2, le=1.0)]] = 0.4
    """The share of pairs of words that two texts have in common, from which on the later one is a near duplicate."""
