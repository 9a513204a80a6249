"""Renders a part of an HTML page as markdown, GitHub's flavour: headings, lists, tables, code with its language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import turbohtml

_OPTIONS = turbohtml.Markdown(tables=turbohtml.Markdown.Tables(cell_blocks="text"))
_ANCHORS = frozenset("¶#§🔗")
"""Texts of links in headings that only name the heading itself."""
_LANGUAGE = re.compile(r"(?:^|\s)(?:highlight-source-|highlight-|language-|lang-|brush:\s*)([A-Za-z0-9][\w+#.-]*)")
_NO_LANGUAGE = frozenset({"default", "none", "text", "plain", "notranslate"})
_WRAPPERS = 2
"""How far above a block of code its language may stand: highlighters put one or two elements around it."""


_MOST_CELLS = 10_000
"""Most empty cells that are put into the tables of a page in place of wide and high ones."""


def render(element: turbohtml.Element, base: str) -> str:
    """Returns the element as markdown and changes it. Links and pictures become absolute by `base`."""
    _drop_anchors(element)
    _unlink_scripts(element)
    for block in element.find_all("pre"):
        _name_language(block)
    _spread_cells(element)
    element.resolve_links(base)
    return element.to_markdown(_OPTIONS).strip("\n")


def _drop_anchors(element: turbohtml.Element) -> None:
    for link in element.select(":is(h1,h2,h3,h4,h5,h6) > a[href]"):
        if link.text.strip() in _ANCHORS and "#" in (link.attr("href") or ""):
            link.decompose()


def _unlink_scripts(element: turbohtml.Element) -> None:
    """Leaves only the texts of links that run scripts and of pictures that stand in the page itself."""
    for link in element.select('a[href^="javascript:" i],a[href^="data:" i]'):
        link.unwrap()
    for picture in element.select('img[src^="data:" i]'):
        picture.replace_with(turbohtml.Text(picture.attr("alt") or ""))


def _name_language(block: turbohtml.Element) -> None:
    """Says on a block of code which language it is in, where an element around it does."""
    if block.select_one("code[class]") is not None:
        return
    around = block
    for _ in range(_WRAPPERS + 1):
        found = _LANGUAGE.search(around.attr("class") or "")
        if found and found[1].lower() not in _NO_LANGUAGE:
            block.wrap_children(turbohtml.Element("code", {"class": f"language-{found[1]}"}))
            return
        if not isinstance(around.parent, turbohtml.Element):
            return
        around = around.parent


def _spread_cells(element: turbohtml.Element) -> None:
    """Replaces cells over several columns or rows by one cell and empty ones, for markdown knows no others."""
    room = _MOST_CELLS
    for table in element.find_all("table"):
        below = Counter[tuple[int, int]]()
        for y, row in enumerate(_rows(table)):
            x = 0
            for cell in _children(row, "td", "th"):
                while room and below[y, x]:
                    cell.insert_before(turbohtml.Element(cell.tag))
                    x, room = x + 1, room - 1
                wide, high = min(_take_span(cell, "colspan"), room + 1), _take_span(cell, "rowspan")
                high = min(high, room // wide + 1)
                below.update((y + down, x + right) for down in range(1, high) for right in range(wide))
                for _ in range(wide - 1):
                    cell.insert_after(turbohtml.Element(cell.tag))
                x, room = x + wide, max(0, room - wide * high + 1)


def _rows(table: turbohtml.Element) -> Iterator[turbohtml.Element]:
    for part in _children(table, "thead", "tbody", "tfoot", "tr"):
        yield from [part] if part.tag == "tr" else _children(part, "tr")


def _children(element: turbohtml.Element, *tags: str) -> list[turbohtml.Element]:
    return [one for one in element.children if isinstance(one, turbohtml.Element) and one.tag in tags]


def _take_span(cell: turbohtml.Element, name: str) -> int:
    """Returns how many columns or rows a cell covers (WHATWG HTML 4.9.11: 1 to 1,000), and makes it cover one."""
    said = cell.attr(name) or "1"
    if cell.attr(name) is not None:
        del cell.attrs[name]
    return min(max(int(said), 1), 1000) if said.isascii() and said.isdigit() and len(said) < 5 else 1
