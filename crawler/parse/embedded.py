"""Reads what a page says of itself for machines: JSON-LD, microdata, RDFa, Open Graph, Twitter cards, Dublin Core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import turbohtml
from turbohtml.extract import MicrodataItem, RdfaItem

from ..dataclass import dataclass

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
"""A value of JSON."""
Node = Mapping[str, Plain]
"""An item with its properties, by the names of JSON-LD."""

MOST_VALUES = 5000
"""Most values of a page that are read; a page of a shop has some hundred."""
_DEEPEST = 32
_TWITTER = "twitter:"


@dataclass(slots=True)
class Embedded:
    """The structured data of one page, as plain values of JSON. Kinds that the page has not are absent."""

    kinds: dict[str, Plain]
    """`jsonld`, `microdata`, `rdfa`: lists of items; `opengraph`, `twitter`, `dublin_core`: names and values."""
    is_whole: bool
    """Whether all of it was read: it has not too many values, and is not nested too deep."""

    def nodes(self) -> Iterator[Node]:
        """Yields all items of JSON-LD, microdata and RDFa, outer ones first."""
        waiting: list[Plain] = [self.kinds.get(kind) for kind in ("rdfa", "microdata", "jsonld")]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                yield value
                waiting += reversed(value.values())
            elif isinstance(value, list):
                waiting += reversed(value)

    def says(self, name: str) -> str:
        """Returns what Open Graph, Twitter cards or Dublin Core say under that name; empty: nothing."""
        for kind in ("opengraph", "twitter", "dublin_core"):
            values = self.kinds.get(kind)
            if isinstance(values, dict) and isinstance(value := values.get(name), str) and value.strip():
                return value.strip()
        return ""


def read(document: turbohtml.Document) -> Embedded:
    """Returns the structured data of a page."""
    found, copier = document.structured_data(), _Copier()
    named = found.opengraph
    twitter = {name: value for name, value in named.items() if name.startswith(_TWITTER)}
    kinds = {
        "jsonld": copier.copy(found.json_ld),
        "microdata": copier.copy(found.microdata),
        "rdfa": copier.copy(found.rdfa),
        "opengraph": copier.copy({name: value for name, value in named.items() if name not in twitter}),
        "twitter": copier.copy(twitter),
        "dublin_core": copier.copy(found.dublin_core),
    }
    return Embedded({name: kind for name, kind in kinds.items() if kind}, copier.is_whole)


def read_items(document: turbohtml.Document) -> Iterator[Node]:
    """Yields the items of the JSON-LD of a page, outer ones first."""
    return Embedded({"jsonld": _Copier().copy(document.json_ld())}, True).nodes()


@dataclass(slots=True)
class _Copier:
    """Copies values of strangers as plain JSON, within bounds."""

    room: int = MOST_VALUES
    is_whole: bool = True

    def copy(self, value: object, depth: int = 0) -> Plain:
        self.room -= 1
        if self.room < 0 or depth > _DEEPEST:
            self.is_whole = False
            return None
        if isinstance(value, str):
            return clean(value)
        if isinstance(value, MicrodataItem | RdfaItem):
            return self._copy_item(value, depth)
        if isinstance(value, Mapping | list | tuple) and len(value) > self.room:
            self.is_whole = False
        if isinstance(value, Mapping):
            return {clean(str(key)): self.copy(one, depth + 1) for key, one in islice(value.items(), self.room)}
        if isinstance(value, list | tuple):
            return [self.copy(one, depth + 1) for one in islice(value, self.room)]
        return value if isinstance(value, bool | float) or (isinstance(value, int) and _fits(value)) else None

    def _copy_item(self, item: MicrodataItem | RdfaItem, depth: int) -> Plain:
        """Writes an item as JSON-LD does: `@type` and `@id` beside its properties, a single value without a list."""
        kinds = [item.type] if isinstance(item.type, str) else item.type or []
        name = item.id if isinstance(item, MicrodataItem) else item.resource
        properties = {last(key): values[0] if len(values) == 1 else values for key, values in item.properties.items()}
        types = [last(kind) for one in kinds for kind in one.split()]
        head = {"@type": types[0] if len(types) == 1 else types} if types else {}
        return self.copy(head | ({"@id": name} if name else {}) | properties, depth)


def clean(text: str) -> str:
    """Returns the text without halves of characters, which no JSON can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _fits(value: int) -> bool:
    """Whether orjson can write the number."""
    return -(1 << 63) <= value < 1 << 64


def last(name: str) -> str:
    """Returns the last part of a name that is an address: `Person` of `https://schema.org/Person`."""
    return name.rstrip("/#").rpartition("/")[2].rpartition("#")[2] or name
