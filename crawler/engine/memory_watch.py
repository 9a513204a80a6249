"""Warns before the known URLs and sites of a crawl need more memory than planned for them."""

from __future__ import annotations

import logging

from ..standing import Counts

log = logging.getLogger(__name__)

_MIB = 1 << 20
URL_BYTES = 20
"""Memory of a known URL, as long as the crawl lives (measured: 13 to 20)."""
SITE_BYTES = 6000
"""Memory of a site with URLs queued (measured: 5,600), however many they are."""
WARNED_AT = 0.8
"""Share of the planned memory at which the warning is given: soon enough to do something."""


class MemoryWatch:
    """Gives one warning before known URLs and sites need more memory than planned."""

    def __init__(self) -> None:
        self._was_given = False

    def look(self, counts: Counts, most_bytes: int) -> None:
        """Logs the warning if it is due. `most_bytes` is the planned memory; 0: none was planned."""
        held = estimate_bytes(counts)
        if most_bytes and held > WARNED_AT * most_bytes and not self._was_given:
            self._was_given = True
            log.warning(
                "known URLs and sites take about %d MiB of the %d MiB planned for them: give the crawl more memory, or "
                "limit it (--depth, --include, scope.limit_per_site)", held // _MIB, most_bytes // _MIB,
            )  # fmt: skip


def estimate_bytes(counts: Counts) -> int:
    """Estimates the memory that the URLs and sites of a frontier take, in bytes."""
    return counts.known * URL_BYTES + counts.sites * SITE_BYTES
