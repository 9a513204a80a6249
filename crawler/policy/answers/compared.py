"""Turns an outcome into an `Answer` that can be compared with other answers of its site."""

from __future__ import annotations

from urllib.parse import unquote

from ...model import Outcome, Response, Timings, Url
from ...runtime.clock import monotonic
from ..politeness import Politeness
from . import Answer

_CACHES = ("x-cache", "cf-cache-status", "x-cache-status", "cache-status")
_64_BITS = (1 << 64) - 1


def answer(outcome: Outcome, politeness: Politeness, target: Url | None = None) -> Answer:
    """Returns the answer that a visit got, once its exchange is over. `target`: the URL that it redirects to."""
    page, lease, ended = outcome.page, outcome.lease, outcome.ended
    request = lease.request
    content = int.from_bytes(page.digest[:8], "big") if page else hash(target) & _64_BITS
    has_text = page is not None and page.simhash != 0 and not page.is_brief
    frame = hash((page.title, page.n_links)) & _64_BITS if page and (has_text or page.is_brief) else 0
    return Answer(
        row=lease.token,
        url=request.url,
        content=content,
        gist=page.gist if page and has_text else _gist(target, request.url) if target else content,
        simhash=page.simhash ^ frame if page and has_text else 0,
        figures=page.numbers ^ hash(page.media) & _64_BITS if page else 0,
        began=start_time(outcome),
        ended=ended,
        judged=monotonic(),
        is_last=request.attempt >= politeness.max_attempts,
        is_kept=request.is_reread and _is_kept(outcome.response),
        frame=frame,
    )


def start_time(outcome: Outcome) -> float:
    """Returns when the exchange began, on the clock of its end."""
    said = outcome.response.timings if outcome.response else Timings()
    return outcome.ended - (said.dns + said.connect + said.ttfb + said.download) / 1000


def _is_kept(response: Response | None) -> bool:
    """Returns whether a cache says that it gave the answer (RFC 9111 5.1, RFC 9211, and fields in wide use)."""
    if response is None:
        return False
    said = " ".join(map(response.header, _CACHES)).lower()
    return "hit" in said or response.header("age").strip("0 ") != ""


def _gist(target: Url, url: Url) -> int:
    """Returns a hash that is equal for redirects to one place that learns where they come from, such as a login."""
    place, _, query = target.text.partition("?")
    return hash(place if query and url.path in unquote(query) else target) & _64_BITS
