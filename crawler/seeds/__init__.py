"""Reads seeds: turns lists of URLs, in the formats that people keep them, into one stream of canonical URLs."""

from .reading import check, read, read_requests
from .reports import BadSeed, OnBad, OnTaken, SkippedSeeds, Taken
from .words import kind, parse, with_scheme

__all__ = [
    "BadSeed",
    "OnBad",
    "OnTaken",
    "SkippedSeeds",
    "Taken",
    "check",
    "kind",
    "parse",
    "read",
    "read_requests",
    "with_scheme",
]
