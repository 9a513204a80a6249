"""Turns text into a `Url`, and different spellings of one URL into one text."""

from __future__ import annotations

from .url import (
    MAX_LENGTH,
    MOST_HOST,
    MOST_WRITTEN,
    absolute,
    authority,
    bare_host,
    based,
    explain,
    fingerprint,
    fingerprints,
    folded,
    host,
    host_port,
    is_address,
    is_too_long,
    parse,
    registered,
    registered_domain,
    resolver,
)

__all__ = [
    "MAX_LENGTH",
    "MOST_HOST",
    "MOST_WRITTEN",
    "absolute",
    "authority",
    "bare_host",
    "based",
    "explain",
    "fingerprint",
    "fingerprints",
    "folded",
    "host",
    "host_port",
    "is_address",
    "is_too_long",
    "parse",
    "registered",
    "registered_domain",
    "resolver",
]
