"""Decides how a visit ends after a setback: with another attempt, or as failed. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..errors import VisitError
from ..model import Disposition, Outcome
from .politeness import Politeness


def end_setback(outcome: Outcome, error: VisitError, politeness: Politeness) -> Outcome:
    """Returns the outcome with another attempt if one may help, else as a failure; the site rests as it asked for."""
    retry_in_s = politeness.retry_in_s(outcome.request.attempt, error.retry_after_s) if error.transient else None
    if retry_in_s is not None and error.after_s is not None:
        retry_in_s = min(error.after_s, politeness.max_retry_after_s)
    hold_s = politeness.hold_s(error.retry_after_s)
    return replace(
        outcome,
        disposition=Disposition.FAILED if retry_in_s is None else Disposition.DEFERRED,
        reason=error.reason,
        detail=error.detail,
        response=error.response or outcome.response,
        retry_in_s=retry_in_s,
        rest_s=max(outcome.rest_s, hold_s),
        asked_s=max(outcome.asked_s or 0.0, hold_s),
        word_s=max(outcome.word_s or 0.0, hold_s),
    )
