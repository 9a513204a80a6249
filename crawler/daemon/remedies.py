"""Which settings of a job would lift what it is bound by, and what they could be: only those that would help."""

from __future__ import annotations

from collections.abc import Mapping

from ..metrics.metrics import Bound
from ..settings import Config
from ..settings.loading import value_of

BRISK_S = 0.1
"""A rest that a site of one's own bears easily."""
AT_ONCE = 4
"""Requests at a time that such a site bears."""
MOST_VISITS = 20_000
HELPED = frozenset({Bound.POLITENESS, Bound.PER_SITE, Bound.PER_IP, Bound.CONCURRENCY})
"""All others no setting of the job would lift while it runs."""


def remedies(bound: Bound, config: Config, most_visits: int) -> Mapping[str, object]:
    """`most_visits` are under way at a time over all jobs: more for one alone is in vain."""
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
