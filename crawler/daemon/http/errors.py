"""Turns errors of the daemon into problem documents: a table from error to status."""

from __future__ import annotations

from ...errors import ClosedError, ConfigError, CrawlError, StorageFull, UrlError
from ..errors import BadJob, Busy, Full, KeyReused, NoRecords, NoSuchJob, Outdated, StoreError, WrongState
from .problems import Fault, Problem, bad_field

_STATUS: tuple[tuple[type[CrawlError], int, str], ...] = (
    (NoSuchJob, 404, "not-found"),
    (WrongState, 409, "wrong-state"),
    (Outdated, 412, "outdated"),
    (NoRecords, 409, "no-records"),
    (KeyReused, 409, "key-reused"),
    (Full, 409, "full"),
    (Busy, 503, "busy"),
    (StorageFull, 507, "storage-full"),
    (StoreError, 500, "store"),
    (ClosedError, 503, "not-ready"),
    (CrawlError, 500, "crawl"),
)
"""Error, status and slug; the first entry that fits is used."""


def problem(error: CrawlError) -> Problem:
    """Returns the problem document of an error."""
    if isinstance(error, BadJob):
        return Problem(422, "bad-field", str(error), [Fault(*complaint) for complaint in error.complaints])
    if isinstance(error, UrlError):
        return bad_field("url", str(error))
    if isinstance(error, ConfigError):
        return bad_field("settings", str(error))
    status, slug = next((status, slug) for kind, status, slug in _STATUS if isinstance(error, kind))
    return Problem(status, slug, str(error))
