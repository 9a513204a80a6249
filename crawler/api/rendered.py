"""Compares what one page says as its site sent it with what it says once its scripts have run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Unpack

from ..assembly import parts
from ..assembly.shared import Shared, open_shared
from ..errors import VisitError, unwrap_group
from ..model import Disposition, Outcome, Rendered, Response
from ..model.quick import replace
from ..parse import make_document
from ..parse.outline import Outline, read_outline
from ..settings import MOST_INLINE_BYTES, Config, Settings
from ..settings.loading import amend
from ..sinks.record import wants_of
from .one_page import ALONE, Kept
from .opening import open_crawl
from .seeds import Seed

_SILENT = Outline()
_LISTS = ("hreflang", "headings", "links")
_FACTS = tuple(one.name for one in fields(Outline) if one.name != "rendered_for")


@dataclass(frozen=True, slots=True)
class RenderedComparison:
    """One page raw and rendered, or why the two cannot be compared."""

    url: str
    """The URL of the page; after redirects the last one."""
    status: int | None
    """Its HTTP status. None: there was no answer."""
    trouble: str = ""
    """Why there is no comparison, in words. Empty: there is one."""
    raw: Outline = _SILENT
    """Its statements without scripts."""
    rendered: Outline = _SILENT
    """Its statements once they have run."""
    requests: int = 0
    """Requests that its scripts made."""
    elapsed_ms: float = 0.0
    """How long rendering took, with all waits."""
    note: str = ""
    """A remark, such as that loading was cut off."""
    redirects: tuple[str, ...] = ()
    """The URLs that redirected to it, in order."""

    @property
    def differs_in(self) -> tuple[str, ...]:
        """Names of the facts in which the two differ."""
        return tuple(name for name in _FACTS if getattr(self.raw, name) != getattr(self.rendered, name))

    def added(self, name: str) -> tuple[str, ...]:
        """Returns what only scripts bring of `links`, `headings` or `hreflang`."""
        return _without(getattr(self.rendered, name), getattr(self.raw, name))

    def gone(self, name: str) -> tuple[str, ...]:
        """Returns what scripts take away of `links`, `headings` or `hreflang`."""
        return _without(getattr(self.raw, name), getattr(self.rendered, name))

    def record(self) -> Mapping[str, Any]:
        """Returns the comparison as an object of JSON."""
        told: dict[str, Any] = {
            "v": 1, "url": self.url, "status": self.status, "redirects": self.redirects, "trouble": self.trouble,
        }  # fmt: skip
        if self.trouble:
            return told
        return told | {
            "auto": self.raw.rendered_for, "differs_in": self.differs_in, "raw": _facts(self.raw),
            "rendered": _facts(self.rendered), "added": {name: self.added(name) for name in _LISTS},
            "gone": {name: self.gone(name) for name in _LISTS}, "requests": self.requests,
            "render_ms": round(self.elapsed_ms), "note": self.note,
        }  # fmt: skip


async def compare_rendered(url: Seed, config: Config | None = None, **settings: Unpack[Settings]) -> RenderedComparison:
    """Fetches one page now, renders it, and compares what it says raw and rendered. It keeps nothing.

    It is a crawl of one page in memory: robots.txt, the address guard and the rests of the site hold for the page and
    for all that its scripts ask for. With `archives` it is one over WARC files, which need those requests as well.
    Raises ConfigError if there is no browser, UrlError, RequestError.
    """
    config = amend(config or Config(), settings)
    config = amend(config, {**ALONE, "render.mode": "always", "sinks": [{"kind": "jsonl"}]})
    kept = Kept(wants_of(config.sinks[0]))
    with unwrap_group():
        async with open_shared(config) as shared, open_crawl(config, sinks=[kept], shared=shared) as crawl:
            await crawl.run([url])
            return await _compare(config, shared, kept, kept.last(url))


async def _compare(config: Config, shared: Shared, kept: Kept, last: Outcome) -> RenderedComparison:
    response, on_the_way = last.response, tuple(one.url.text for one in kept.outcomes if one is not last)
    found = RenderedComparison(last.url.text, response.status if response else None, redirects=on_the_way)
    made = response.rendered if response else None
    if trouble := _why_not(last, made):
        return replace(found, trouble=trouble)
    assert response is not None
    assert made is not None
    job = replace(parts.job(config, parts.scope(config), b"outline"), nofollow="ignore")

    async def outline(answer: Response) -> Outline:
        document = make_document(last.request, answer, is_for_function=False)
        return await shared.offloader.run(read_outline, document, job, size=MOST_INLINE_BYTES)

    try:
        raw, rendered = await outline(replace(response, rendered=None)), await outline(response)
    except VisitError as error:
        return replace(found, trouble=error.detail)
    return replace(
        found, raw=raw, rendered=rendered, requests=made.requests, elapsed_ms=made.elapsed_ms, note=made.note
    )


def _why_not(outcome: Outcome, made: Rendered | None) -> str:
    """Returns why a page cannot be compared; empty: it can."""
    if outcome.disposition is not Disposition.FETCHED:
        return f"{outcome.reason or outcome.disposition}{f': {outcome.detail}' if outcome.detail else ''}"
    if made is None:
        return "it is no HTML page that is rendered: a whole answer with status 200, at most 4 MiB"
    return f"it could not be rendered: {made.trouble}" if made.trouble else ""


def _facts(outline: Outline) -> Mapping[str, Any]:
    return {name: value for name, value in asdict(outline).items() if name != "rendered_for"}


def _without(these: Sequence[str], those: Sequence[str]) -> tuple[str, ...]:
    known = frozenset(those)
    return tuple(one for one in these if one not in known)
