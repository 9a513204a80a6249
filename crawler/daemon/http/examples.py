"""Examples of the bodies that clients send, for openapi.json and the page at `/docs`."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, Mapping[str, object]] = {
    "JobIn": {"seeds": ["https://example.org/"], "settings": {"max_depth": 2}, "links": True},
    "JobPatch": {"settings": {"delay_s": 0.5}, "priority": 2},
    "RunAgainIn": {"settings": {"limit": 500}, "without": ["scope.max_depth"]},
    "FetchIn": {"url": "https://example.org/", "formats": ["markdown", "links"]},
    "MapIn": {"url": "https://example.org/", "limit": 1000},
    "SeedsIn": {"seeds": ["https://example.org/more"]},
    "RetryIn": {"reasons": ["dns", "timeout"]},
    "UnparkIn": {"patterns": ["https://example.org/calendar/#"]},
    "SiteIn": {"site": "https://example.org"},
    "ScheduleIn": {"cron": "0 6 * * MON-FRI", "zone": "Europe/Berlin", "seeds": ["https://example.org/"]},
    "SchedulePatch": {"is_enabled": False},
    "TemplateIn": {"settings": {"delay_s": 2.0, "limit": 1000}},
}
"""By the name of the model."""
VALUES: Mapping[str, str] = {
    "name": "gentle",
    "file": "pages.jsonl",
    "url": "https://example.org/x",
    "q": "red shoes",
    "limit": "10",
    "status": "4xx",
}
"""Values of parameters, by name, for requests that show them."""
