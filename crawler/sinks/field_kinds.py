"""Which kind of value each field of a record has, for all who compare or store them."""

from __future__ import annotations

from collections.abc import Mapping

from ..conditions import Fields, Kind
from .columns import NESTED, OPEN
from .record import BEYOND, EXTRA, FIELDS, HEAVY

NUMBERS = frozenset((
    "v", "status", "depth", "attempt", "visit", "elapsed_ms", "length", "n_links", "extra_hop",
    *(f"timings.{part}" for part in NESTED["timings"]), "warc.offset", "warc.length", "render_ms", "relevance",
))  # fmt: skip
FRACTIONS = frozenset(("elapsed_ms", "render_ms", "relevance", *(f"timings.{part}" for part in NESTED["timings"])))
"""Numbers that need not be whole."""
_OTHERS: Mapping[str, Kind] = {
    "fetched_at": "time", "requisite": "truth", "links": "list", "headers": "list", "timings": "object",
    "audit": "object", "metadata": "object", "structured": "object", "pdf": "object", "warc": "object", "fields": "any",
    "data": "any", "trace": "object",
    "request_data": "any",
    "usage": "list",
}  # fmt: skip


def kind_of(name: str) -> Kind:
    """Returns the kind of a field of ours; `any` for one inside a value of a program."""
    if name.partition(".")[0] in OPEN:
        return "any"
    return "number" if name in NUMBERS else _OTHERS.get(name, "text")


KINDS: Mapping[str, Kind] = {
    name: kind_of(name)
    for name in (
        *FIELDS, *EXTRA, *BEYOND, *HEAVY, *(f"{name}.{part}" for name, parts in NESTED.items() for part in parts)
    )
}  # fmt: skip
"""All fields, those inside objects of ours among them."""
RECORD_FIELDS = Fields(KINDS, OPEN)
"""The fields that a condition over records may name."""
