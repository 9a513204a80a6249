"""Writes a comparison as one HTML page that needs no network, no script and no other file."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import islice
from pathlib import Path

from ..export.target import open_target
from ..runtime.escaping import escape_text
from .comparing import Comparison
from .difference import KINDS, Difference, State

MOST_ROWS = 20_000
"""Rows of the page. Browsers get slow with more; `--json` has all."""
_STYLE = """
:root{color-scheme:light dark;--line:light-dark(#d4d4d8,#3f3f46);--soft:light-dark(#52525b,#a1a1aa)}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}
h1{font-size:1.4rem}table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid var(--line);padding:.35rem .6rem;text-align:left;vertical-align:top}
td:first-child{overflow-wrap:anywhere}.n{font-variant-numeric:tabular-nums;text-align:right}
.soft{color:var(--soft)}del{color:light-dark(#b91c1c,#fca5a5);text-decoration:none}
ins{color:light-dark(#15803d,#86efac);text-decoration:none}code{overflow-wrap:anywhere;white-space:pre-wrap}
@media print{body{max-width:none;margin:0}}
"""
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer"><title>{title}</title><style>{style}</style></head><body>
"""


def write_page(comparison: Comparison, path: Path | None) -> None:
    """Writes the page to a file, which appears whole or not at all; None: to standard output.

    Raises FolderError, StorageFull, SinkError.
    """
    with open_target(path) as file:
        for text in _page(comparison):
            file.write(text.encode("utf-8", "replace"))


def _page(comparison: Comparison) -> Iterator[str]:
    title = _text(f"{comparison.before} and {comparison.after}")
    yield _HEAD.format(title=title, style=_STYLE)
    yield f"<h1>{title}</h1><p>{comparison.urls[0]:,} URLs before, {comparison.urls[1]:,} after</p><table><tr>"
    yield "".join(f"<th class=n>{kind}" for kind in KINDS)
    yield "<tr>" + "".join(f"<td class=n>{comparison.counts[kind]:,}" for kind in KINDS) + "</table>"
    yield "<table><thead><tr><th>URL<th>differs<th>before<th>after<th>how much</thead><tbody>\n"
    n = 0
    for n, one in enumerate(islice(comparison, MOST_ROWS + 1), 1):
        if n <= MOST_ROWS:
            yield _row(one)
    yield "</tbody></table>"
    yield "<p>No difference.</p>" if not n else ""
    yield f"<p>Only the first {MOST_ROWS:,} rows; <code>--json</code> has all.</p>" if n > MOST_ROWS else ""
    yield "</body></html>\n"


def _row(one: Difference) -> str:
    return (
        f"<tr><td>{_link(one.url)}<td>{', '.join(one.kinds)}<td>{_state(one.before)}<td>{_state(one.after)}"
        f"<td>{_how(one)}\n"
    )


def _state(state: State | None) -> str:
    if state is None:
        return "<span class=soft>–</span>"
    shown = [str(state.status) if state.status else "", state.reason or state.disposition or ""]
    more = [_text(value) for value in (state.title, state.robots) if value]
    return _text(" ".join(filter(None, shown))) + "".join(f"<br><span class=soft>{value}</span>" for value in more)


def _how(one: Difference) -> str:
    said = []
    if one.moved_to:
        said.append(f"to {_link(one.moved_to)} <span class=soft>({one.moved_how})</span>")
    if one.similarity is not None:
        said.append(f"{one.similarity:.0%} alike")
    if one.lines:
        said.append(f"<ins>+{one.lines.added:,}</ins> <del>−{one.lines.removed:,}</del> lines")
        said += [f"<code><del>− {_text(line)}</del></code>" for line in one.lines.removed_lines]
        said += [f"<code><ins>+ {_text(line)}</ins></code>" for line in one.lines.added_lines]
    return "<br>".join(said)


def _link(url: str) -> str:
    """Returns a link, where the URL is one that a browser may follow."""
    if not url.startswith(("http://", "https://")) or " " in url:
        return _text(url)
    return f'<a href="{escape(url)}" rel="noreferrer">{_text(url)}</a>'


def _text(text: str) -> str:
    return escape(escape_text(text))
