"""Declares the settings of what a crawl's content is for, and how far sites may refuse that."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from ..runtime.nearest import did_you_mean
from ..usage import PURPOSES
from .table import ForJobs, Table


class UsageConfig(Table):
    """Preferences of sites about the use of their content ([usage.md](usage.md))."""

    purpose: ForJobs[tuple[str, ...]] = ()
    """The purposes of the crawl, some of `search`, `archive`, `ai-train`, `ai-input`: what sites say about use is read
    and recorded (`usage`). Empty: it is not."""
    respect: ForJobs[Literal["record", "obey"]] = "record"
    """How it counts: `record` only records it; `obey` keeps no content that its site refuses for one of these purposes,
    and does not fetch it where robots.txt or tdmrep.json say so."""

    @field_validator("purpose")
    @classmethod
    def _check_purposes(cls, purposes: tuple[str, ...]) -> tuple[str, ...]:
        for one in purposes:
            if one not in PURPOSES:
                hint = did_you_mean(one, PURPOSES, f": it should be one of {', '.join(PURPOSES)}")
                raise ValueError(f"{one!r} is unknown{hint}")
        return purposes
