"""A collector, and settings that send to it."""

from __future__ import annotations

import os
from typing import Any

import pytest

from .collector import Collector


@pytest.fixture(autouse=True)
def no_variables_of_opentelemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tester's own OTEL_ variables are not part of the story."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


def send_to(collector: Collector, **more: Any) -> dict[str, Any]:
    """Returns settings of a crawl whose spans are all sent to the collector."""
    return {
        "otel": True,
        "otel_endpoint": collector.url,
        "trace_ratio": 1.0,
        "allow_networks": ["127.0.0.0/8"],
        "executor": "inline",
        "delay_s": 0.0,
        "max_attempts": 1,
        **more,
    }
