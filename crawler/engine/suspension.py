"""Forgives the visits that failed because the process itself was away.

Exchanges that were under way then end as time-outs and broken connections, although the sites did nothing wrong.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import field, replace

from ..dataclass import dataclass
from ..model import Disposition, Outcome, Reason
from ..runtime.presence import Presence

AGAIN_S = 3.0
"""Least wait in seconds of a forgiven visit: the network of a machine that slept takes a moment to come back."""
MOST_FORGIVEN = 3
"""Most forgiven visits of one URL in a row. Without it, repeated absences would retry a dead host for ever."""

_OURS = frozenset({
    Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TIMEOUT, Reason.TOO_SLOW, Reason.BAD_RESPONSE,
    Reason.ROBOTS_UNREACHABLE, Reason.PARSE_TIMEOUT,
})  # fmt: skip
"""Reasons that an absence of this process may have caused."""


@dataclass(slots=True, eq=False)
class AbsenceJudge:
    """Judges the visits of one run by the absences that `presence` counted."""

    presence: Presence
    _forgiven: Counter[int] = field(default_factory=Counter, init=False)

    def forgive(self, outcome: Outcome, begun: int) -> Outcome:
        """Returns the outcome, deferred and not an attempt if it failed during an absence.

        `begun`: what `presence.beat` returned when the visit began.
        """
        token = outcome.lease.token
        was_away = self.presence.beat() != begun
        if not was_away or outcome.reason not in _OURS or self._forgiven[token] >= MOST_FORGIVEN:
            self._forgiven.pop(token, None)
            return outcome
        self._forgiven[token] += 1
        wait_s = max(AGAIN_S, outcome.retry_in_s or 0.0)
        return replace(
            outcome, disposition=Disposition.DEFERRED, reason=None, detail="", retry_in_s=wait_s, revisit_in_s=None
        )
