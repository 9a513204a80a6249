"""Says from where on a page is slow, large or like another one."""

from __future__ import annotations

from typing import NamedTuple


class AuditLimits(NamedTuple):
    """From where on a page is slow, large or the like."""

    slow_ms: float = 2000.0
    """Milliseconds that the site takes for one answer. Slower pages are `slow-page`."""
    large_bytes: int = 1 << 20
    """Bytes of an HTML document. Larger ones are `large-page`."""
    title_chars: int = 70
    """Characters of a title. Search engines show about 60."""
    description_chars: int = 320
    """Characters of a description. Search engines show 160 to 320."""
    similar_bits: int = 3
    """Bits in which the simhashes of near duplicates differ at most, of 64."""


DEFAULT = AuditLimits()
