"""Says in one line that telemetry cannot be sent, and keeps the many lines of the SDK about it out of the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..runtime.escaping import escape_text

log = logging.getLogger(__name__)

LOGGERS = (
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.sdk.metrics._internal.export",
)
"""The loggers of the SDK that speak of failed sending."""
MOST_SHOWN = 300
"""Most characters of the SDK's own words that are shown."""


class Complaints(logging.Filter):
    """Listens to the SDK while it works for us, and only then: a program may use the SDK itself."""

    def __init__(self) -> None:
        super().__init__()
        self._local = threading.local()
        self.is_failing: bool = False
        """Whether the last attempt to send failed."""

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Filters what the SDK logs within the block."""
        for name in LOGGERS:
            logging.getLogger(name).addFilter(self)
        try:
            yield
        finally:
            for name in LOGGERS:
                logging.getLogger(name).removeFilter(self)

    @contextmanager
    def listen(self) -> Iterator[None]:
        """Takes what this thread logs within the block for a complaint about sending."""
        self._local.listens = True
        try:
            yield
        finally:
            self._local.listens = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the SDK may log this itself."""
        if not getattr(self._local, "listens", False):
            return True
        if record.levelno >= logging.WARNING:
            self.complain(record.getMessage())
        return False

    def complain(self, words: str) -> None:
        """Logs that sending fails, unless that was the last thing said."""
        if not self.is_failing:
            self.is_failing = True
            log.warning(
                "telemetry cannot be sent, and what does not fit in memory meanwhile is dropped; the crawl goes on: %s",
                escape_text(words[:MOST_SHOWN]),
            )

    def praise(self) -> None:
        """Logs that sending works again, if it did not."""
        if self.is_failing:
            self.is_failing = False
            log.info("telemetry is sent again")
