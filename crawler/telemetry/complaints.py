"""Says in one line that telemetry cannot be sent, and keeps the many lines of the SDK about it out of the log."""

from __future__ import annotations

import logging
import re
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
MOST_SHOWN = 150
"""Most characters of the SDK's own words that are shown."""
_ERRNO = re.compile(r"\[Errno -?\d+\] ([^\"'()]+)|(timed out)")
_GAVE_UP = "due to timeout, max retries or shutdown"
_REASON = re.compile(r"Transient error (.+?) encountered while|, reason: (.+)")


class Complaints(logging.Filter):
    """Listens to the SDK while it works for us, and only then: a program may use the SDK itself."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place
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
                "telemetry cannot be sent to %s (%s): the crawl goes on, and what does not fit in memory is dropped",
                escape_text(self._place), escape_text(shorten(words)),
            )  # fmt: skip

    def praise(self) -> None:
        """Logs that sending works again, if it did not."""
        if self.is_failing:
            self.is_failing = False
            log.info("telemetry is sent again")


def shorten(words: str) -> str:
    """Returns the part of the SDK's words that says why: `Connection refused`."""
    if _GAVE_UP in words:
        return "no answer in time"
    for pattern in (_ERRNO, _REASON):
        if found := pattern.search(words):
            words = next(filter(None, found.groups()))
    return words.strip()[:MOST_SHOWN]
