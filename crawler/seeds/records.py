"""Reads lists in JSON: one record a line, one array, or a document with an array somewhere in it."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import orjson

from ..errors import SeedError, UrlError
from .cells import look, sole
from .columns import Column, best, weigh
from .part import BLOCK, SAMPLE, SAMPLED, Entry, Lines, Part

_MOST_LINE = 1 << 24
"""Characters of a line that holds a record. Records of crawls contain whole texts."""
_MOST_VALUE = 1 << 24
"""Characters of one value of an array, or of a document."""
_MOST_PATHS = 500
_BETWEEN = re.compile(r"[\s,\ufeff]*")
_DEEPEST = 8
"""Levels of objects and arrays in which a field is searched. --column NAME.NAME goes as deep as it says."""

Record = tuple[int, object]


def is_json(head: str) -> bool:
    """Whether a text begins like JSON: `{`, or `[` and a value (not `[::1]`, and no link in Markdown)."""
    return re.match(r"\s*(?:\{\s*[\"}]|\[\s*(?:[\"{\]]|\[\s*[\"{\[]|null\b|$))", head) is not None


def read_json(part: Part, encoding: str) -> Iterator[Entry]:
    """Yields the URLs of JSON: texts, or the field of objects that holds URLs. Raises SeedError without that field."""
    part.taken.what = "JSON"
    sample, rest = _records(part, encoding)
    path = part.column if part.column not in (None, "0") else _best_path(sample)
    if part.column and path and not any(_at(record, path) for _, record in sample):
        raise SeedError(f"{part.name}: no field {path!r} in its JSON; there are: {', '.join(_paths(sample))[:500]}")
    part.taken.what = f"field {path!r} of JSON" if path else "texts of JSON"
    for number, record in chain(sample, rest):
        found = _at(record, path)
        part.taken.empty += not found
        for text, row, way in found:
            if part.keeps_columns:
                part.columns = _without(row, way)
            try:
                yield number, sole(text)
            except UrlError as error:
                part.bad(number, text, str(error))


def _best_path(sample: Sequence[Record]) -> str:
    """Returns the path whose texts look most like URLs, the shortest of equal ones."""
    cells: dict[str, list[str]] = {}
    for _, record in sample:
        for path, text in _texts(record):
            if path in cells or len(cells) < _MOST_PATHS:
                cells.setdefault(path, []).append(text)
    columns = list[Column]()
    for path in sorted(cells, key=lambda path: path.count(".")):
        column = weigh(len(columns), path, cells[path][:SAMPLE], min(SAMPLE, max(len(sample), len(cells[path]))))
        columns.append(column._replace(score=column.score - 0.2 * path.count(".")))
    found = best(columns, has_names=True)
    return found.name if found else ""


def _paths(sample: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(path for _, record in sample for path, _ in _texts(record)))


def _texts(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yields all texts in a value with their paths (names joined by dots). Elements have the path of their array."""
    if isinstance(value, str):
        yield path, value
    elif depth < _DEEPEST and isinstance(value, list):
        for one in value[:SAMPLE]:
            yield from _texts(one, path, depth + 1)
    elif depth < _DEEPEST and isinstance(value, dict):
        for name, one in value.items():
            yield from _texts(one, f"{path}.{name}" if path else name, depth + 1)


class _Found(NamedTuple):
    """A text at the wanted path."""

    text: str
    row: object
    """The innermost object of an array that holds it; else the whole value."""
    rest: str
    """The path from the row to the text."""


def _at(value: object, path: str) -> list[_Found]:
    """Returns the texts at a path."""
    found, left = list[_Found](), [(value, path, value, path)]
    while left:
        value, path, row, rest = left.pop()
        match value:
            case str() if not path:
                found.append(_Found(value, row, rest))
            case list():
                rows = [(one, path) if isinstance(one, dict) else (row, rest) for one in reversed(value)]
                left += [(one, path, *own) for one, own in zip(reversed(value), rows, strict=True)]
            case dict() if path in value:
                left.append((value[path], "", row, rest))
            case dict():
                left += [
                    (one, path[len(name) + 1 :], row, rest)
                    for name, one in value.items()
                    if path.startswith(f"{name}.")
                ]
    return found


def _without(row: object, rest: str) -> dict[str, object] | None:
    """Returns the fields of a row but for the one at the end of the path."""
    if not isinstance(row, dict):
        return None
    kept: dict[str, object] = {}
    for name, value in row.items():
        if not isinstance(value, dict) or not rest.startswith(f"{name}."):
            kept[name] = value
        elif inner := _without(value, rest[len(name) + 1 :]):
            kept[name] = inner
    kept.pop(rest, None)
    return kept


def _records(part: Part, encoding: str) -> tuple[list[Record], Iterator[Record]]:
    """Returns the first values, and an iterator over the others."""
    first, end, _ = part.stream.head().decode(encoding, "replace").lstrip("\ufeff").partition("\n")
    if end and first.lstrip().startswith("{") and _is_whole(first):
        lines = Lines(part.stream, encoding, _MOST_LINE)
        found = lines.sample(lambda sample: any(look(text) for _, line in sample for text in _strings(line)))
        return list(_from_lines(part, found)), _from_lines(part, lines)
    values, sample, room = _from_values(part, encoding), list[Record](), SAMPLED
    for record in values:
        sample.append(record)
        room -= sum(len(text) for _, text in _texts(record[1]))
        if len(sample) == SAMPLE or room < 0:
            break
    return sample, values


def _strings(line: str) -> list[str]:
    return re.findall(r'"((?:https?:)?[^"\s]+\.[^"\s]+)"', line)


def _is_whole(line: str) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _from_lines(part: Part, lines: Iterable[Entry]) -> Iterator[Record]:
    for number, line in lines:
        text = line.lstrip("\ufeff").strip()
        if not text or text.startswith("#"):
            continue
        try:
            yield number, orjson.loads(text)
        except orjson.JSONDecodeError as error:
            part.bad(number, text, f"not JSON ({error.msg.partition(':')[0]})")


def _from_values(part: Part, encoding: str) -> Iterator[Record]:
    """Yields the values of an array, or successive values, in about the memory of the largest value."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    scan, text, number, at, is_over = json.JSONDecoder(strict=False, parse_int=float).raw_decode, "", 1, 0, False
    needed, is_array = 0, None
    while True:
        begun = at
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        number += text.count("\n", begun, at)
        if is_array is None and text[at : at + 1] == "[":
            is_array, at = True, at + 1
            continue
        if is_array and text[at : at + 1] == "]":
            return
        try:
            if at == len(text) or (not is_over and len(text) - at < needed):
                raise json.JSONDecodeError("more is needed", "", at)
            value, end = scan(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            if is_over or isinstance(error, RecursionError) or len(text) - at > _MOST_VALUE:
                why = f"{'the JSON breaks' if is_over else 'one value is too large'} here, so the rest was not read"
                if at < len(text):
                    part.bad(number, text[at : at + 200], why)
                return
            needed = 2 * (len(text) - at)  # so that a large value is not scanned at each block
            text, at = text[at:], 0
            while not is_over and (len(text) <= needed or not text):
                block = part.stream.read1(BLOCK)
                is_over = not block
                text += decoder.decode(block, final=is_over)
            continue
        is_array, needed = is_array or False, 0
        yield number, value
        number += text.count("\n", at, end)
        at = end
