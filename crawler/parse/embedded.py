"""Reads what a page says of itself for machines: JSON-LD, microdata, RDFa, Open Graph, Twitter cards, Dublin Core."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

import orjson
import turbohtml
from turbohtml.extract import RdfaItem

from ..dataclass import dataclass
from .microdata import read_microdata
from .plain import Node, Plain, clean, last

MOST_VALUES = 5000
"""Most values of a page that are read; a page of a shop has some hundred."""
_DEEPEST = 32
_TWITTER = "twitter:"
_KINDS = frozenset(("article", "book", "business", "fb", "music", "place", "product", "profile", "video"))
"""Prefixes of names that Open Graph has for kinds of objects."""
_MOST_MENDED = 1 << 20
"""Characters of JSON-LD of a page that are mended."""
_MENDED = re.compile(
    r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|//[^\n]*|/\*.*?(?:\*/|\Z)|(?:<!--|-->)[^\n]*|<!\[CDATA\[|\]\]>'
    r"|,(?=\s*+[}\]])|;\s*\Z",
    re.DOTALL,
)
"""Matches texts in JSON, and what programs write between them that is none: comments, commas before an end."""
_CONTROL = re.compile(r"[\x00-\x1f]+")


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


def read(document: turbohtml.Document, base: str = "") -> Embedded:
    """Returns the structured data of a page; `base` is the address that those in microdata are relative to."""
    found, copier = document.structured_data(), _Copier()
    items, copier.is_whole = read_microdata(document, base)
    named = found.opengraph
    twitter = {name: value for name, value in named.items() if name.startswith(_TWITTER)}
    kinds = {
        "jsonld": copier.copy([*found.json_ld, *_mend(document, len(found.json_ld))]),
        "microdata": copier.copy(items),
        "rdfa": copier.copy(found.rdfa),
        "opengraph": copier.copy(_with_kinds(document, named, twitter)),
        "twitter": copier.copy(twitter),
        "dublin_core": copier.copy(found.dublin_core),
    }
    return Embedded({name: kind for name, kind in kinds.items() if kind}, copier.is_whole)


def _with_kinds(
    document: turbohtml.Document, named: Mapping[str, str], twitter: Mapping[str, str]
) -> dict[str, str | list[str]]:
    """Returns what Open Graph says, names of its kinds of objects (`article:author`) among them."""
    found: dict[str, str | list[str]] = {name: value for name, value in named.items() if name not in twitter}
    others: dict[str, list[str]] = {}
    for meta in document.select("meta[property][content]"):
        name = (meta.attr("property") or "").strip()
        if name not in found and name.partition(":")[0] in _KINDS:
            others.setdefault(name, []).append(meta.attr("content") or "")
    return found | {name: values[0] if len(values) == 1 else values for name, values in others.items()}


def read_items(document: turbohtml.Document) -> Iterator[Node]:
    """Yields the items of the JSON-LD of a page, outer ones first."""
    found = document.json_ld()
    return Embedded({"jsonld": _Copier().copy([*found, *_mend(document, len(found))])}, True).nodes()


def _mend(document: turbohtml.Document, known: int) -> Iterator[object]:
    """Yields the values of JSON-LD that is no JSON, if comments, raw line ends in texts or a last comma are all."""
    scripts = document.select('script[type="application/ld+json" i]')
    room = _MOST_MENDED if len(scripts) > known else 0
    for script in scripts:
        text = script.text
        room -= len(text)
        if room < 0:
            return
        if not _load(text):
            yield from _load(_MENDED.sub(_plain, _MENDED.sub(_plain, text)))


def _plain(found: re.Match[str]) -> str:
    return _CONTROL.sub(" ", found[0]) if found[0].startswith('"') else ""


def _load(text: str) -> list[object]:
    """Returns the value of a text of JSON; nothing: it is none."""
    try:
        return [orjson.loads(text.encode("utf-8", "replace"))]
    except orjson.JSONDecodeError:
        return []


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
        if isinstance(value, RdfaItem):
            return self._copy_item(value, depth)
        if isinstance(value, Mapping | list | tuple) and len(value) > self.room:
            self.is_whole = False
        if isinstance(value, Mapping):
            return {clean(str(key)): self.copy(one, depth + 1) for key, one in islice(value.items(), self.room)}
        if isinstance(value, list | tuple):
            return [self.copy(one, depth + 1) for one in islice(value, self.room)]
        return value if isinstance(value, bool | float) or (isinstance(value, int) and _fits(value)) else None

    def _copy_item(self, item: RdfaItem, depth: int) -> Plain:
        """Writes an item as JSON-LD does: `@type` and `@id` beside its properties, a single value without a list."""
        kinds = item.type or []
        name = item.resource
        properties = {last(key): values[0] if len(values) == 1 else values for key, values in item.properties.items()}
        types = [last(kind) for one in kinds for kind in one.split()]
        head = {"@type": types[0] if len(types) == 1 else types} if types else {}
        return self.copy(head | ({"@id": name} if name else {}) | properties, depth)


def _fits(value: int) -> bool:
    """Whether orjson can write the number."""
    return -(1 << 63) <= value < 1 << 64
