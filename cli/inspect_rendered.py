"""`crawl inspect URL --rendered`: shows what a page says raw against rendered."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

from . import show, values
from .colours import tint
from .exit_codes import Exit

if TYPE_CHECKING:
    from crawler import Config, Outline, RenderedComparison, Trust

SHOWN = 10
"""Links and headings that are listed; `--json` has all."""
MOST_SHOWN = 300
"""Characters of one fact."""
_FACTS = ("title", "description", "language", "canonical", "robots")
_NAME = 12
_HALF = (show.WIDTH - _NAME - 6) // 2


def inspect_rendered(
    url: str, folder: Path | None, config: Path | None, settings: dict[str, Any], *, json: bool, trust: Trust
) -> None:
    """Renders a page and prints the comparison; with a folder it is one of that folder's WARC files."""
    from .process import fork_helpers, prepare_workers, run_loop

    fork_helpers()
    from crawler import compare_rendered
    from crawler.settings.loading import trace

    if folder is not None:
        settings = {**settings, "fetch.archives": [str(folder.absolute())]}
    loaded: Config = trace(config, os.environ, settings, "command line", trust=trust)[0]
    values.check_patterns(loaded)
    prepare_workers(loaded.offload.executor)
    logging.getLogger("crawler").addHandler(logging.NullHandler())  # errors are shown below, each once
    found = run_loop(lambda: compare_rendered(url, loaded))
    if json:
        sys.stdout.write(json_line(found.record()).decode())
    else:
        for line in _words(found):
            print(tint(escape_text(line), sys.stdout))
    raise typer.Exit(Exit.NOTHING if found.trouble else Exit.DONE)


def _words(found: RenderedComparison) -> Iterator[str]:
    for one in found.redirects:
        yield f"{show.shorten(one, show.WIDTH - 10)} leads to"
    yield found.url
    if found.trouble:
        yield f"not compared: {found.trouble}"
        return
    took = show.duration(found.elapsed_ms / 1000)
    yield f"{found.status}, rendered in {took}, {show.many(found.requests, 'request')}"
    if found.note:
        yield found.note
    yield _advice(found)
    yield f"{'':<{_NAME}}  {'raw':<{_HALF}}    rendered"
    for name in _FACTS:
        yield from _row(name, getattr(found.raw, name), getattr(found.rendered, name))
    for name in ("hreflang", "headings", "links"):
        yield from _row(name, _n(getattr(found.raw, name)), _n(getattr(found.rendered, name)))
    yield from _row("words", show.number(found.raw.words), show.number(found.rendered.words))
    for name in ("headings", "hreflang", "links"):
        yield from _list(f"{name} that only scripts bring", found.added(name))
        yield from _list(f"{name} that scripts take away", found.gone(name))


def _advice(found: RenderedComparison) -> str:
    if found.raw.rendered_for:
        return f"empty without scripts ({found.raw.rendered_for}): --render auto renders it"
    if _is_alike(found.raw, found.rendered):
        return "says the same without scripts: --render auto reads it as it came"
    return "not empty without scripts: --render auto reads it as it came"


def _is_alike(raw: Outline, rendered: Outline) -> bool:
    return all(getattr(raw, name) == getattr(rendered, name) for name in (*_FACTS, "hreflang", "headings", "links"))


def _n(found: Sequence[str]) -> str:
    return show.number(len(found))


def _row(name: str, raw: str, rendered: str) -> Iterator[str]:
    """Yields one fact in two columns, a `≠` between two that differ."""
    left, right = ([show.shorten(line, _HALF) for line in _wrap(text)] for text in (raw, rendered))
    for at in range(max(len(left), len(right))):
        one, other = (side[at] if at < len(side) else "" for side in (left, right))
        sign = "≠" if raw != rendered and not at else " "
        yield f"{name if not at else '':<{_NAME}}  {one:<{_HALF}}  {sign} {other}".rstrip()


def _wrap(text: str) -> list[str]:
    return show.wrap_text(show.shorten(text, MOST_SHOWN), _HALF) or ["-"]


def _list(title: str, found: Sequence[str]) -> Iterator[str]:
    if not found:
        return
    yield title
    yield from (f"  {show.shorten(one, show.WIDTH - 2)}" for one in found[:SHOWN])
    if len(found) > SHOWN:
        yield f"  and {show.number(len(found) - SHOWN)} more: --json has all"
