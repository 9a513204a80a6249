"""Suggests settings that would make a job faster, with values, according to what limits it."""

from __future__ import annotations

from collections.abc import Mapping

from ...metrics.bounds import Bound
from ...settings import Config
from ...settings.loading import value_of

BRISK_S = 0.1
"""A delay that is fine for a site of one's own."""
AT_ONCE = 4
"""Requests at a time that are fine for such a site."""
MOST_VISITS = 20_000
HELPED = frozenset({Bound.POLITENESS, Bound.PER_SITE, Bound.PER_IP, Bound.CONCURRENCY})
"""The limits that a setting of a running job can lift."""


def find_remedies(bound: Bound, config: Config, most_visits: int) -> Mapping[str, object]:
    """Returns suggested settings by full name. `most_visits` bounds all jobs together, so one job gets no more."""
    politeness, concurrency = config.politeness, config.fetch.concurrency
    found: dict[str, object] = {}
    match bound:
        case Bound.POLITENESS:
            found = {"politeness.delay_s": min(politeness.delay_s, BRISK_S)}
            found |= {} if politeness.delay_s > BRISK_S else {"politeness.per_site": max(politeness.per_site, AT_ONCE)}
        case Bound.PER_SITE:
            found = {"politeness.per_site": max(politeness.per_site, AT_ONCE)}
        case Bound.PER_IP:
            found = {"politeness.per_ip": 2 * politeness.per_ip}
        case Bound.CONCURRENCY:
            found = {"fetch.concurrency": max(concurrency, min(2 * concurrency, most_visits, MOST_VISITS))}
    return {key: value for key, value in found.items() if value != value_of(config, key)}
