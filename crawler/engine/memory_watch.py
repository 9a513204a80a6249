"""Warns before what is known of a crawl outgrows the memory that was planned for it."""

from __future__ import annotations

import logging

from ..standing import Counts

log = logging.getLogger(__name__)

_MIB = 1 << 20
URL_BYTES = 20
"""What every known URL takes in memory, as long as the crawl lives (measured: 13 to 20)."""
SITE_BYTES = 6000
"""What a site takes that has something queued (measured: 5,600), whatever the number of its URLs."""
WARNED_AT = 0.8
"""Of what is planned for what is known: soon enough to do something."""


class Forewarning:
    """Says once, before it happens, that what is known outgrows what was planned for it."""

    def __init__(self) -> None:
        self._was_given = False

    def look(self, counts: Counts, most_bytes: int) -> None:
        """`most_bytes` 0: nothing was planned."""
        held = known_bytes(counts)
        if most_bytes and held > WARNED_AT * most_bytes and not self._was_given:
            self._was_given = True
            log.warning(
                "what is known takes about %d MiB of the %d MiB planned for it: give the crawl more memory, or bound "
                "it (--depth, --include, scope.limit_per_site)", held // _MIB, most_bytes // _MIB,
            )  # fmt: skip


def known_bytes(counts: Counts) -> int:
    """What the URLs and sites of a frontier take in memory, roughly."""
    return counts.known * URL_BYTES + counts.sites * SITE_BYTES
