"""Takes the values of `extract.fields` out of a page: within bounds, and none of them twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import turbohtml

from ..runtime.foreign_errors import describe
from ..urls import resolve_absolute
from ..urls.patterns import Finder
from . import charset, embedded
from .plain import Node, Plain, clean, last
from .reading import Reading, one_line
from .selectors import Selector, Step, read_steps
from .typed import read_date, read_number

MOST_VALUES = 1000
"""Most values of one field of a page."""
MOST_TEXT = 1 << 16
"""Characters of one value."""
_DEEPEST = 32
_LAYOUT = turbohtml.PlainText(bullet="", table_cell_separator=" ")
_RAW = ("script", "style")
"""Elements whose text is no text for readers; one that is asked for gives it all the same."""
Match = turbohtml.Element | Plain
"""A place in a page that a selector leads to, or a value that it gives itself."""


@dataclass(slots=True)
class Source:
    """A page from which fields are taken."""

    document: turbohtml.Document | None
    """Its tree. None: it has none, and only expressions find anything."""
    body: bytes
    charset: str
    _text: str | None = None
    _items: list[Node] | None = None

    @property
    def text(self) -> str:
        """The page as it was sent, as text."""
        if self._text is None:
            self._text = charset.decode(self.body, self.charset or "utf-8")
        return self._text

    @property
    def items(self) -> list[Node]:
        """All items of its JSON-LD, outer ones first."""
        if self._items is None:
            self._items = list(embedded.read_items(self.document)) if self.document is not None else []
        return self._items


def note(reading: Reading, selectors: Iterable[Selector], source: Source) -> None:
    """Notes the values of all fields in `reading`, and as bits which of them were found, and which could not be read.

    An error in one of them leaves that field empty, and is noted.
    """
    fields: dict[str, object] = {}
    for number, selector in enumerate(selectors):
        try:
            matches = list(islice(_find(selector, source), MOST_VALUES + 1 if selector.is_list else 1))
        except MemoryError:
            raise  # the page is read again, without a tree
        except Exception as error:  # noqa: BLE001 - the selector is somebody's, and so is the page
            reading.add_note(f"the field {selector.name} could not be taken: {describe(error)}")
            matches = []
        if len(matches) > MOST_VALUES:
            reading.add_note(f"only the first {MOST_VALUES} values of the field {selector.name} were taken")
        values = [_read(selector, match, reading) for match in matches[:MOST_VALUES]]
        found = [value for value in values if value is not None and value != ""]
        fields[selector.name] = found if selector.is_list else next(iter(found), None)
        reading.fields_found |= bool(found) << number
        reading.fields_unread |= (bool(matches) and not found) << number
    reading.fields = fields


def _find(selector: Selector, source: Source) -> Iterator[Match]:
    match selector.kind:
        case "re":
            yield from _compile_expression(selector.path).find(source.text)
        case "jsonld":
            yield from _follow(source.items, _read_steps(selector.path))
        case _ if source.document is None:
            return
        case "css" if not selector.is_list:
            found = source.document.select_one(selector.path)
            yield from () if found is None else (found,)
        case "css":
            yield from source.document.select(selector.path)
        case "xpath":
            yield from _give_xpath(_compile_xpath(selector.path)(source.document))


_compile_expression = lru_cache(maxsize=128)(Finder)
_compile_xpath = lru_cache(maxsize=128)(turbohtml.XPath)
_read_steps = lru_cache(maxsize=128)(read_steps)


def _give_xpath(found: object) -> Iterator[Match]:
    """Yields the places and values of an answer: nodes, attributes, or one value that the expression computed."""
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, turbohtml.Element | str | bool | int | float):
            yield one
        elif isinstance(one, turbohtml.Document) and one.html is not None:
            yield from one.select("html")


# -- JSON-LD -----------------------------------------------------------------------------------------------------------


def _follow(items: Iterable[Node], steps: tuple[Step, ...]) -> Iterator[Plain]:
    """Yields the values at the end of a path. It may begin at any item, of whatever depth."""
    found: Iterable[Node | Plain] = items
    for step in steps:
        found = _take_step(found, step)
    return (_bare(value) for value in found if value is not None)


def _take_step(values: Iterable[Node | Plain], step: Step) -> Iterator[Node | Plain]:
    for value in values:
        if not isinstance(value, Mapping):
            continue
        if step.is_type:
            if _has_type(value, step.name):
                yield value
            continue
        inner = value.get(step.name)
        several = inner if isinstance(inner, list) else [inner]
        yield from several if step.at is None else several[step.at : step.at + 1]


def _has_type(value: Node, name: str) -> bool:
    said = value.get("@type")
    types = said if isinstance(said, list) else [said]
    return any(isinstance(one, str) and last(one) == name for one in types)


def _bare(value: Node | Plain) -> Plain:
    """Returns the value of a value that is written as an object, with its type or its language."""
    if not isinstance(value, Mapping):
        return value
    return value["@value"] if "@value" in value else dict(value)


# -- values ------------------------------------------------------------------------------------------------------------


def _read(selector: Selector, match: Match, reading: Reading) -> object:
    """Returns the value of a match as the type of the field has it; None: it has none that can be read so."""
    value = _take(selector, match) if isinstance(match, turbohtml.Element) else match
    if not isinstance(value, str):
        return _convert_plain(selector, value)
    if len(value) > MOST_TEXT:
        reading.add_note(f"only the first {MOST_TEXT} characters of the field {selector.name} were kept")
        value = value[:MOST_TEXT]
    value = clean(value)
    match selector.type:
        case "number":
            return read_number(value)
        case "date":
            return read_date(value)
        case "url":
            return resolve_absolute(value.strip(), reading.base) if value.strip() else None
    return value


def _convert_plain(selector: Selector, value: Plain) -> object:
    """Returns a value that is no text: numbers stay numbers, all else becomes nothing where a type is asked for."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and value != value:  # noqa: PLR0124 - no number, in the words of floating point
        return None
    if selector.type in ("text", "number") and is_number:
        return value
    return value if selector.type == "text" else None


def _take(selector: Selector, element: turbohtml.Element) -> str | None:
    """Returns the part of an element that is asked for."""
    if selector.take == "html":
        return element.html
    if selector.take and selector.take != "text":
        return element.attr(selector.take)
    if not selector.take and selector.type == "date" and (said := element.attr("datetime") or element.attr("content")):
        return said
    if not selector.take and selector.type == "url" and (said := element.attr("href") or element.attr("src")):
        return said
    if element.tag in _RAW:
        return element.text
    text = element.to_text(_LAYOUT)
    return one_line(text, len(text))
