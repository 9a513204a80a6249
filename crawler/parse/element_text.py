"""Gives the text of an element, without scripts and styles that stand in it."""

from __future__ import annotations

import turbohtml

_SILENT = ("script", "style", "template", "noscript")
_SELECTED = ",".join(_SILENT)


def read_text(element: turbohtml.Element) -> str:
    """Returns the text of an element, as it stands there."""
    if element.select_one(_SELECTED) is None:
        return element.text
    waiting, texts = list[turbohtml.Node]([element]), list[str]()
    while waiting:
        node = waiting.pop()
        if isinstance(node, turbohtml.Text):
            texts.append(node.data)
        elif isinstance(node, turbohtml.Element) and node.tag not in _SILENT:
            waiting += reversed(list(node.children))
    return "".join(texts)
