"""Draws the answer to a question as a table of text. Pure: an answer in, lines out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

from crawler import escape_text
from crawler.query.writing import as_cell, as_plain

if TYPE_CHECKING:
    from crawler import Answer

LEAST = 8
"""A column that is cut is at least as wide. If not all columns of a row fit, they stand below each other."""
SAMPLE = 500
"""Rows that decide how wide the columns are."""
_GAP = "  "
_NUMBERS = ("INT", "INTEGER", "DOUBLE", "FLOAT")


def table_lines(answer: Answer, width: int) -> Iterator[str]:
    """Yields the lines of a table that is at most `width` columns wide (0: any width, and no cell is cut)."""
    heads = [escape_text(name) for name in answer.columns]
    rows = ([_cell(value) for value in row] for row in answer.rows)
    sample = list(islice(rows, SAMPLE))
    natural = [max(map(measure, column)) for column in zip(heads, *sample, strict=True)]
    if width and sum(min(one, LEAST) for one in natural) + len(_GAP) * (len(heads) - 1) > width:
        yield from _cards(heads, chain(sample, rows), width)
        return
    widths = _fit(natural, width - len(_GAP) * (len(heads) - 1)) if width else natural
    rights = [kind.endswith(_NUMBERS) or kind.startswith("DECIMAL") for kind in answer.kinds]
    yield _line(heads, widths, rights, cuts=bool(width))
    yield _GAP.join("-" * one for one in widths)
    for row in chain(sample, rows):
        yield _line(row, widths, rights, cuts=bool(width))


def _cards(heads: Sequence[str], rows: Iterator[Sequence[str]], width: int) -> Iterator[str]:
    """Yields the values of each row below each other; those that are NULL are left out."""
    names = min(max(map(measure, heads)), width // 2)
    for number, row in enumerate(rows, 1):
        yield f"row {number}"
        for head, cell in zip(heads, row, strict=True):
            if cell != "NULL":
                yield _line([head, cell], [names, width - names - len(_GAP) * 2], [False, False], "", cuts=True)


def _fit(natural: Sequence[int], room: int) -> list[int]:
    """Returns widths that fit into the room: the widest columns give first."""
    widths = list(natural)
    while sum(widths) > room:
        most = max(widths)
        at = widths.index(most)
        second = max([one for one in widths if one < most], default=LEAST)
        widths[at] -= max(1, min(most - second, sum(widths) - room))
    return widths


def _line(cells: Sequence[str], widths: Sequence[int], rights: Sequence[bool], start: str = "", *, cuts: bool) -> str:
    parts = []
    for cell, width, is_right in zip(cells, widths, rights, strict=True):
        text = _cut(cell, width) if cuts else cell
        space = " " * (width - measure(text))
        parts.append(space + text if is_right else text + space)
    return (start + _GAP.join(parts)).rstrip()


def _cut(text: str, width: int) -> str:
    if measure(text) <= width:
        return text
    while text and measure(text) > width - 1:
        text = text[: min(len(text) - 1, width)]
    return f"{text}…"


def _cell(value: object) -> str:
    plain = as_plain(value)
    if plain is None:
        return "NULL"
    if isinstance(plain, str):
        return escape_text(plain)
    if isinstance(plain, float):
        return f"{plain:.10g}"
    return escape_text(as_cell(plain))


def measure(text: str) -> int:
    """Returns how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)
