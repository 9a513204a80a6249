"""Turns text into a `Url`, and different spellings of one URL into one text; checks what programs ask for."""

from __future__ import annotations

from .requests import check_request
from .suffixes import load as load_suffixes
from .url import (
    MAX_LENGTH,
    MOST_HOST,
    MOST_WRITTEN,
    authority,
    bare_host,
    explain,
    fingerprint,
    fingerprints,
    fold_url,
    has_listed_suffix,
    host,
    host_port,
    is_address,
    is_too_long,
    make_joiner,
    make_resolver,
    parse,
    registered_domain,
    registered_domain_of_host,
    resolve_absolute,
    resolve_base,
)

__all__ = [
    "MAX_LENGTH",
    "MOST_HOST",
    "MOST_WRITTEN",
    "authority",
    "bare_host",
    "check_request",
    "explain",
    "fingerprint",
    "fingerprints",
    "fold_url",
    "has_listed_suffix",
    "host",
    "host_port",
    "is_address",
    "is_too_long",
    "load_suffixes",
    "make_joiner",
    "make_resolver",
    "parse",
    "registered_domain",
    "registered_domain_of_host",
    "resolve_absolute",
    "resolve_base",
]
