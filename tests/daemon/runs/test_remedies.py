"""What is advised is what would help, with the settings as they are."""

from __future__ import annotations

from typing import Any

import pytest

from crawler.daemon.runs.remedies import HELPED, find_remedies
from crawler.metrics.bounds import Bound
from crawler.settings.catalog import LIVE
from crawler.settings.loading import load


@pytest.mark.parametrize(
    ("bound", "settings", "expected"),
    [
        (Bound.POLITENESS, {}, {"politeness.delay_s": 0.1}),
        (Bound.POLITENESS, {"delay_s": 0.05}, {"politeness.per_site": 4}),
        (Bound.POLITENESS, {"delay_s": 0.05, "per_site": 8}, {}),
        (Bound.PER_SITE, {}, {"politeness.per_site": 4}),
        (Bound.PER_IP, {}, {"politeness.per_ip": 32}),
        (Bound.CONCURRENCY, {"concurrency": 100}, {"fetch.concurrency": 200}),
        (Bound.CONCURRENCY, {"concurrency": 600}, {"fetch.concurrency": 1000}),
        (Bound.CONCURRENCY, {"concurrency": 1000}, {}),
        (Bound.CONCURRENCY, {"concurrency": 5000}, {}),
        *((bound, {}, {}) for bound in Bound if bound not in HELPED),
    ],
)
def test_a_remedy_is_a_setting_that_would_change(
    bound: Bound, settings: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = find_remedies(bound, load(settings=settings), 1000)
    assert found == expected
    assert set(found) <= LIVE, "it helps a job that runs"
