"""Reads microdata, as HTML has it and as schema.org uses it: an element's `content` counts, whatever its name.

Without that, a price that is written as `<span itemprop="price" content="13.00">$13.00</span>` would be its text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import turbohtml

from ..urls import resolve_absolute
from .element_text import read_text
from .plain import Plain, clean, last

MOST_ELEMENTS = 20_000
"""Elements that are looked at; each one counts anew for every item that refers to it."""
_DEEPEST = 24
_ADDRESSES = {
    "a": "href", "area": "href", "link": "href", "audio": "src", "embed": "src", "iframe": "src", "img": "src",
    "source": "src", "track": "src", "video": "src", "object": "data",
}  # fmt: skip
_VALUES = {"data": "value", "meter": "value", "time": "datetime"}


def read_microdata(document: turbohtml.Document, base: str) -> tuple[list[Plain], bool]:
    """Returns the items of a page as JSON-LD writes them, addresses absolute, and whether these are all."""
    tops = document.select("[itemscope]:not([itemprop])")
    if not tops:
        return [], True
    reader = _Reader(document, base)
    items: list[Plain] = [reader.read(top, frozenset()) for top in tops if reader.room > 0]
    return items, reader.room > 0


@dataclass(slots=True)
class _Reader:
    document: turbohtml.Document
    base: str
    room: int = MOST_ELEMENTS
    order: dict[turbohtml.Element, int] = field(default_factory=dict)
    named: dict[str, turbohtml.Element] | None = None

    def read(self, item: turbohtml.Element, above: frozenset[turbohtml.Element]) -> Plain:
        """Returns an item with its properties, a single value without a list."""
        types = [last(kind) for kind in (item.attr("itemtype") or "").split()]
        found: dict[str, Plain] = {"@type": types[0] if len(types) == 1 else [*types]} if types else {}
        if name := (item.attr("itemid") or "").strip():
            found["@id"] = resolve_absolute(name, self.base) or name
        values: dict[str, list[Plain]] = {}
        holders = above | {item}
        for element in self._find(item):
            value = self._value(element, holders)
            for name in (element.attr("itemprop") or "").split():
                values.setdefault(last(name), []).append(value)
        return found | {clean(name): given[0] if len(given) == 1 else given for name, given in values.items()}

    def _find(self, item: turbohtml.Element) -> list[turbohtml.Element]:
        """Returns the elements that are properties of an item, in the order of the page."""
        names = dict.fromkeys((item.attr("itemref") or "").split())
        referred = [one for name in islice(names, MOST_ELEMENTS) if (one := self._by_id(name)) is not None]
        found: list[turbohtml.Element] = []
        seen = {item}
        waiting = [*reversed(referred), *reversed(list(_children(item)))]
        while waiting and self.room > 0:
            element = waiting.pop()
            if element in seen:
                continue
            self.room -= 1
            seen.add(element)
            if element.attr("itemprop"):
                found.append(element)
            if element.attr("itemscope") is None:
                waiting += reversed(list(_children(element)))
        return sorted(found, key=self._place) if referred else found

    def _by_id(self, name: str) -> turbohtml.Element | None:
        if self.named is None:
            self.named = {}
            for one in self.document.select("[id]"):
                self.named.setdefault(one.attr("id") or "", one)
        return self.named.get(name)

    def _place(self, element: turbohtml.Element) -> int:
        if not self.order:
            self.order = {one: at for at, one in enumerate(self.document.select("*"))}
        return self.order.get(element, 0)

    def _value(self, element: turbohtml.Element, above: frozenset[turbohtml.Element]) -> Plain:
        if element.attr("itemscope") is not None:
            return None if element in above or len(above) > _DEEPEST else self.read(element, above)
        if (said := element.attr("content")) is not None:
            return clean(said)
        if (name := _ADDRESSES.get(element.tag)) and (href := element.attr(name)) is not None:
            return clean(resolve_absolute(href, self.base) or href)
        if (name := _VALUES.get(element.tag)) and (said := element.attr(name)) is not None:
            return clean(said)
        return clean(read_text(element).strip())


def _children(element: turbohtml.Element) -> Iterator[turbohtml.Element]:
    return (child for child in element.children if isinstance(child, turbohtml.Element))
