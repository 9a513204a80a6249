"""Counts the pages at which the user's own parse functions failed, and warns about the first of each function."""

from __future__ import annotations

import logging
from collections import Counter

from ..model import Outcome

log = logging.getLogger(__name__)


class InWorker(Exception):
    """Carries the traceback of an error in a worker, as text, to where logs show tracebacks."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class ParseFailures:
    """The failures of parse functions in one run."""

    def __init__(self) -> None:
        self.of: Counter[str] = Counter[str]()
        """How many pages each function failed at, by its name."""
        self.traces: dict[str, str] = {}
        """The first traceback of each function, as text."""

    def note(self, outcome: Outcome) -> None:
        """Counts a page at which a function failed.

        Warns at the first failure of each function, and once more if the traceback comes with a later one: workers send
        it with the first page that they read, which need not be the first that is recorded.
        """
        page = outcome.page
        if page is None or not page.parser:
            return
        name, trace = page.parser, page.data_trace
        self.of[name] += 1
        if name in self.traces or (self.of[name] > 1 and not trace):
            return
        if trace:
            self.traces[name] = trace
        log.warning(
            "the parse function %r failed at %s: %s; its other failures are counted",
            name, outcome.url, page.data_error, exc_info=InWorker(trace) if trace else None,
        )  # fmt: skip
