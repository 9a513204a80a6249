"""Answers that a hook may give in place of a request or a response: Skip and Retry."""

from __future__ import annotations

import math

from ..dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Skip:
    """The answer of `before_request` that ends the visit without a request: as excluded, with the reason `skipped`."""

    detail: str = ""
    """Why, in a few words for a person. The record and `explain` show it."""

    def __post_init__(self) -> None:
        _check_text("Skip", self.detail)


@dataclass(frozen=True, slots=True)
class Retry:
    """The answer of `after_response` that asks for another attempt. After the last one it fails as `rejected`."""

    detail: str = ""
    """Why, in a few words for a person. The record of the last attempt and `explain` show it."""
    after_s: float | None = None
    """Seconds until the next attempt of this URL, up to `politeness.max_retry_after_s`; None: as after any failure.

    The site rests between two requests all the same.
    """

    def __post_init__(self) -> None:
        _check_text("Retry", self.detail)
        if self.after_s is not None and not 0 <= self.after_s < math.inf:
            raise ValueError(f"Retry: after_s should be a number of seconds, 0 or more, not {self.after_s!r}")


def _check_text(name: str, detail: object) -> None:
    if not isinstance(detail, str):
        raise TypeError(f"{name}: say why in a text, not in {detail!r}")
