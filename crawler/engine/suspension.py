"""Notices that the process itself was away, and forgives the visits that failed because of it.

The process was stopped (SIGSTOP), suspended with its machine, or blocked. Exchanges that were under way then end as
time-outs and broken connections, although the sites did nothing wrong.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from ..model import Disposition, Outcome, Reason

log = logging.getLogger(__name__)

AWAY_S = 2.0
"""Seconds without a beat that count as away: eight times the interval of the engine's samples."""
AGAIN_S = 3.0
"""Least wait in seconds of a forgiven visit: an unreachable robots.txt is not asked again for two seconds."""
MOST_FORGIVEN = 3
"""Most forgiven visits of one URL in a row. Without it, repeated absences would retry a dead host for ever."""

_OURS = frozenset({
    Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TIMEOUT, Reason.TOO_SLOW, Reason.BAD_RESPONSE,
    Reason.ROBOTS_UNREACHABLE, Reason.PARSE_TIMEOUT,
})  # fmt: skip
"""Reasons that an absence of this process may have caused."""


def _clock() -> float:
    """Returns seconds of a clock that goes on while the machine sleeps, if the platform has one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Absence:
    """Notices absences during one run. `beat` must be called several times a second."""

    def __init__(self, clock: Callable[[], float] = _clock) -> None:
        self._clock = clock
        self._beat = clock()
        self._returned = float("-inf")
        self._forgiven = Counter[int]()

    def beat(self) -> float:
        """Notes that the process runs, and returns the time of this clock."""
        now = self._clock()
        away_s, self._beat = now - self._beat, now
        if away_s > AWAY_S:
            self._returned = now
            log.warning("away for %.1f s (stopped, suspended or blocked): visits that failed are tried again", away_s)
        return now

    def forgive(self, outcome: Outcome, begun: float) -> Outcome:
        """Returns the outcome, deferred and not an attempt if it failed during an absence. `begun`: its `beat`."""
        self.beat()
        token = outcome.lease.token
        if self._returned < begun or outcome.reason not in _OURS or self._forgiven[token] >= MOST_FORGIVEN:
            self._forgiven.pop(token, None)
            return outcome
        self._forgiven[token] += 1
        wait_s = max(AGAIN_S, outcome.retry_in_s or 0.0)
        return replace(
            outcome, disposition=Disposition.DEFERRED, reason=None, detail="", retry_in_s=wait_s, revisit_in_s=None
        )
