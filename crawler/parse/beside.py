"""Tells what stands beside a page's own text: comments, lists of other pages, frames around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import turbohtml

_BESIDE = frozenset(
    """
    biblio blockquote comment comments disqus kommentar kommentare menu nav navigation popular quote recommend
    recommendations recommended references related respond review reviews sidebar teaser teasers trending
    """.split()  # noqa: SIM905 - a list of as many texts is hard to read
)
"""Words in `class` and `id` of what stands beside a page's own text."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_MOST_NAME, _MOST_HEADINGS, _DEEPEST = 256, 50, 64


class Beside:
    """The parts of one page that hold its headings, by which its frames are told from what stands beside it."""

    def __init__(self, document: turbohtml.Document) -> None:
        self._holders = {above for one in document.find_all("h1")[:_MOST_HEADINGS] for above in _above(one)}

    def __call__(self, element: turbohtml.Element) -> bool:
        """Whether an element stands in comments, in lists of other pages or in a frame that holds no heading."""
        for above in _above(element):
            if above.tag in ("nav", "aside") or any(map(_is_named, (above.attr("class"), above.attr("id")))):
                return above not in self._holders
        return False


def _above(element: turbohtml.Element) -> Iterator[turbohtml.Element]:
    """Yields an element and those that it stands in, up to the body."""
    above: turbohtml.Node | None = element
    for _ in range(_DEEPEST):
        if not isinstance(above, turbohtml.Element) or above.tag == "body":
            return
        yield above
        above = above.parent


@lru_cache(maxsize=4096)
def _is_named(name: str | None) -> bool:
    return bool(name) and not _BESIDE.isdisjoint(word.lower() for word in _WORD.findall((name or "")[:_MOST_NAME]))
