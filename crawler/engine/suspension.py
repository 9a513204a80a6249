"""Notices that the process itself was away, and keeps that from being held against the sites it was talking to.

Stopped (SIGSTOP), suspended with its machine, or busy with something that let nothing else happen: exchanges that ran
meanwhile end as time-outs and broken connections, though nobody failed but us.
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
"""Eight times as long as the engine takes between two looks at itself."""
AGAIN_S = 3.0
"""A forgiven visit waits so long at least: robots.txt that could not be asked is not asked again for two seconds."""
MOST_FORGIVEN = 3
"""Of one URL in a row: who is away again and again would never come to an end with a host that is dead."""

_OURS = frozenset({
    Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TIMEOUT, Reason.TOO_SLOW, Reason.BAD_RESPONSE,
    Reason.ROBOTS_UNREACHABLE, Reason.PARSE_TIMEOUT,
})  # fmt: skip
"""What may be the fault of who was away."""


def _clock() -> float:
    """Seconds that go on while the machine sleeps, where the platform has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Absence:
    """Of one run. `beat` is to be called several times a second."""

    def __init__(self, clock: Callable[[], float] = _clock) -> None:
        self._clock = clock
        self._beat = clock()
        self._returned = float("-inf")
        self._forgiven = Counter[int]()

    def beat(self) -> float:
        """We are here; what time it is on this clock."""
        now = self._clock()
        away_s, self._beat = now - self._beat, now
        if away_s > AWAY_S:
            self._returned = now
            log.warning("away for %.1f s (stopped, suspended or blocked): what failed meanwhile is tried again", away_s)
        return now

    def judged(self, outcome: Outcome, begun: float) -> Outcome:
        """The outcome of a visit that began then (`beat`): no attempt at all if it failed while we were away."""
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
