"""Finds the lead of an article: a paragraph that sites put above its text, outside of the element that holds it."""

from __future__ import annotations

from collections.abc import Iterator

import turbohtml

_NAMED = (
    "[class*=lead i],[class*=lede i],[class*=intro i],[class*=standfirst i],[class*=summary i],[class*=subtitle i],"
    "[class*=excerpt i],[itemprop=description],[itemprop=alternativeHeadline]"
)
_SHORTEST, _LONGEST = 60, 900
"""Characters of a lead: shorter ones are labels, longer ones are texts of their own."""
_UNLINKED = 0.8
"""The share of its text that stands outside of links."""
_LEVELS = 3
"""How many elements that hold the text are looked at: a lead stands beside one of them, before it."""


def take_lead(element: turbohtml.Element) -> None:
    """Moves the lead that stands before an element to its beginning, if there is one."""
    node = element
    for _ in range(_LEVELS):
        above = node.parent
        if not isinstance(above, turbohtml.Element) or above.tag == "html":
            return
        if found := list(_leads_before(node, above)):
            element.insert(0, found[-1].extract())
            return
        node = above


def _leads_before(node: turbohtml.Element, above: turbohtml.Element) -> Iterator[turbohtml.Element]:
    for child in above.children:
        if child == node:
            return
        if isinstance(child, turbohtml.Element):
            named = [child] if child.matches(_NAMED) else []
            yield from filter(_is_lead, [*named, *child.select(_NAMED)])


def _is_lead(element: turbohtml.Element) -> bool:
    length = len(element.text)
    linked = sum([len(link.text) for link in element.find_all("a")])
    return _SHORTEST <= length <= _LONGEST and length - linked > _UNLINKED * length
