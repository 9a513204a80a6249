"""Decides by the first lines of a list whether it is a table, how its columns are separated, and which holds the URLs.

A column is chosen by its cells; the names in a header are a hint. Pure.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ..errors import SeedError
from .cells import Look, clean, look

NAMES = ("url", "urls", "uri", "loc", "link", "href", "address", "page", "seed", "website", "site", "host", "domain")
"""Names of the wanted column in a header, best first."""
_MORE = {
    "homepage", "links", "web", "webpage", "pages", "seeds", "websites", "sites", "hostname", "domains", "hyperlink",
    "permalink", "canonical", "www", "landing", "target",
}  # fmt: skip
_OTHER = {
    "image", "img", "images", "logo", "icon", "favicon", "thumbnail", "thumb", "avatar", "photo", "picture", "media",
    "video", "email", "mail", "referrer", "referer", "source", "feed", "api", "id", "title", "name", "twitter",
    "facebook", "linkedin", "instagram", "youtube", "parent", "via", "old", "status",
}  # fmt: skip
"""Names, and parts of names, of columns with other content."""
_WORTH = {Look.NOTHING: 0.0, Look.WORD: 0.2, Look.HOST: 0.5, Look.URL: 1.0}
_SHARE, _TOLD_SHARE = 0.8, 0.5
"""Share of lines that must contain a separator. It is smaller if the file's name or first line says it is a table."""
_IS_TABLE = {".csv": ",;|\t", ".tsv": "\t", ".tab": "\t", ".psv": "|"}
_MOST_COLUMNS = 500
_PATH = re.compile(r"[/?=&%#]")
_ENDING = re.compile(r"\.[A-Za-z]\w{1,4}$")
"""These two match text that belongs to the rest of a URL rather than to other columns of a table."""
_HOST = re.compile(r"(?:https?://)?([^/?#]*)(/?)")


class Column(NamedTuple):
    """One column of a table, judged by its cells."""

    place: int
    name: str
    score: float
    looks: Look
    """Half of its cells look at least like this."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a list: a table, or one URL a line. The latter has no delimiter."""

    delimiter: str = ""
    column: int = 0
    name: str = ""
    begun: int = 0
    """The number of the line with `sep=;`, which is not part of the list; 0 if there is none."""
    header: int = 0
    """The number of the header's line; 0 if there is none."""
    rival: Look = Look.NOTHING
    """Without a header, no other cell of a row may look like this or surer. With NOTHING, any cell may."""
    score: float = 0.0
    names: tuple[str, ...] = ()
    """The header's cells."""

    def __str__(self) -> str:
        if not self.delimiter:
            return "one URL a line"
        return f"column {self.column + 1}{f' {self.name!r}' if self.name else ''}"


def split(lines: Iterable[str], delimiter: str) -> list[list[str]]:
    """Returns the cells of some lines. A blank as delimiter matches any number of blanks."""
    if delimiter == " ":
        return [line.split() for line in lines]
    rows, reader = list[list[str]](), csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            rows.append(next(reader)[:_MOST_COLUMNS])
        except StopIteration:
            return rows
        except csv.Error:
            rows.append([])


def shape_of(lines: Sequence[tuple[int, str]], plain: int, source: str, wanted: str | None) -> Shape:
    """Returns the shape of a list by its first lines, without blank ones; `plain` more lines are single URLs.

    Raises SeedError if the wanted column does not exist.
    """
    said = re.fullmatch(r'"?sep=(.)"?', lines[0][1].strip("\ufeff \r\n"), re.IGNORECASE)
    rest = lines[1:] if said else lines
    begun = lines[0][0] if said else 0
    if wanted == "0" or not rest:
        return Shape(begun=begun)
    delimiters = said[1] if said else "\t,;|"
    if wanted is not None:
        shape = max((_choose(rest, one, wanted) for one in delimiters), key=lambda one: one[0])[1]
        if shape is None:
            raise SeedError(f"{source}: no column {wanted!r}; its first line is {rest[0][1][:200]!r}")
    else:
        found = [_shape(rest, one, plain, source, is_said=bool(said)) for one in delimiters + " " * (not said)]
        shape = max(found, key=lambda one: one[0])[1]
    return replace(shape, begun=begun)


def shape_of_rows(rows: Sequence[tuple[int, list[str]]], wanted: str | None) -> Shape | None:
    """Returns the shape of a table with known cells; None if it has no such column, or none with URLs."""
    cells, numbers = [row for _, row in rows], [number for number, _ in rows]
    if wanted not in (None, "0"):
        return _choose_of_rows(cells, numbers, "\t", wanted)
    return _shape_of_rows(cells, numbers, "\t")


def name_columns(shape: Shape, cells: Sequence[str]) -> dict[str, object]:
    """Returns the other cells of a row by the names of their columns; where there is none, by their number from 1."""
    named: dict[str, object] = {}
    for at, cell in enumerate(cells):
        if at != shape.column:
            name = shape.names[at] if at < len(shape.names) else ""
            named[str(at + 1) if not name or name in named else name] = cell.strip()
    return named


def _shape(
    lines: Sequence[tuple[int, str]], delimiter: str, plain: int, source: str, *, is_said: bool
) -> tuple[float, Shape]:
    """Returns how well the lines form a table with this delimiter, and its shape."""
    rows = split([line for _, line in lines], delimiter)
    kept = [cells for cells in rows if any(cells)]
    wide = sum(len(cells) > 1 for cells in kept)
    suffix = Path(re.sub(r"\.(gz|bz2|xz|zst|zip)$", "", source.lower())).suffix
    is_known = is_said or delimiter in _IS_TABLE.get(suffix, "")
    if not wide or wide < (_TOLD_SHARE if is_known else _SHARE) * (len(kept) + plain):
        return 0.0, _one_column(lines, plain)
    shape = _shape_of_rows(rows, [number for number, _ in lines], delimiter)
    if shape is None or (delimiter == " " and (shape.column > 1 or shape.rival < Look.HOST or _are_items(lines))):
        return 0.0, _one_column(lines, plain)
    is_named = shape.rival is Look.NOTHING
    if shape.column == 0 and not is_named and not is_known and _is_part_of_url(lines, delimiter):
        return 0.0, _one_column(lines, plain)
    return shape.score * wide / len(kept) + (0.1 if is_known else 0), shape


def _shape_of_rows(rows: Sequence[Sequence[str]], numbers: Sequence[int], delimiter: str) -> Shape | None:
    header = _header(rows)
    names = rows[header] if header >= 0 else []
    one = best([*_columns(names, [cells for cells in rows[header + 1 :] if any(cells)])], bool(names))
    if one is None:
        return None
    rival = Look.NOTHING if len(names) > 1 else one.looks
    place = numbers[header] if header >= 0 else 0
    score = max(one.score, 0.01)
    return Shape(delimiter, one.place, one.name, header=place, rival=rival, score=score, names=tuple(map(clean, names)))


def _choose(lines: Sequence[tuple[int, str]], delimiter: str, wanted: str) -> tuple[int, Shape | None]:
    """Returns the number of rows with several cells, and the wanted column's shape; -1 and None if it is missing."""
    rows = split([line for _, line in lines], delimiter)
    shape = _choose_of_rows(rows, [number for number, _ in lines], delimiter, wanted)
    return -1 if shape is None else sum(len(cells) > 1 for cells in rows), shape


def _choose_of_rows(rows: Sequence[Sequence[str]], numbers: Sequence[int], delimiter: str, wanted: str) -> Shape | None:
    """Returns the shape with the column of this name, or this number from 1. Its cells are not judged."""
    if wanted.isdigit():
        index = int(wanted) - 1
        header = _header(rows, index) if index < max(map(len, rows)) else None
    else:
        header, index = next(
            ((row, at) for row, cells in enumerate(rows[:10]) if (at := _index(cells, wanted)) is not None), (None, 0)
        )
    if header is None:
        return None
    names = rows[header] if header >= 0 else []
    name = clean(names[index]) if index < len(names) else ""
    at = numbers[header] if header >= 0 else 0
    return Shape(delimiter, index, name, header=at, names=tuple(map(clean, names)))


def _index(cells: Sequence[str], wanted: str) -> int | None:
    names = [clean(cell).lower() for cell in cells]
    return names.index(wanted.strip().lower()) if wanted.strip().lower() in names else None


def _one_column(lines: Sequence[tuple[int, str]], plain: int) -> Shape:
    """Returns the shape of a plain list, perhaps with a header."""
    number, first = lines[0]
    words = set(_words(first))
    is_header = not plain and look(first) == Look.NOTHING and hint(first) > 0 and words <= {*NAMES, *_MORE, *_OTHER}
    return Shape(header=number if is_header else 0)


def _columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[Column]:
    for index in range(max(map(len, rows), default=len(names))):
        name = clean(names[index]) if index < len(names) else ""
        yield weigh(index, name, [cells[index] for cells in rows if index < len(cells)], len(rows))


def weigh(index: int, name: str, cells: Sequence[str], rows: int) -> Column:
    """Judges a column by its filled cells. `rows` is the number of all rows."""
    looks = sorted(look(cell) for cell in cells if cell.strip())
    if not looks:
        return Column(index, name, hint(name) - 1, Look.NOTHING)
    worth = sum(_WORTH[one] for one in looks) / len(looks)
    filled = len(looks) / rows
    return Column(index, name, worth * (0.5 + 0.5 * filled) + hint(name), looks[len(looks) // 2])


def best(columns: Sequence[Column], has_names: bool) -> Column | None:
    """Returns the column with the best cells, or, if no cell fits, with the best name."""
    good = [one for one in columns if one.looks > Look.NOTHING]
    named = [one for one in columns if has_names and hint(one.name) >= 0.2]
    return max(good or named, key=lambda one: one.score, default=None)


def hint(name: str) -> float:
    """Returns how much a column's name speaks for it, below 0 if against: `Website URL`, `page_url`, `homepage`."""
    words = _words(name)
    if not words or len(words) > 6:
        return 0.0
    if len(words) == 1 and words[0] in NAMES:
        return 0.4 - 0.01 * NAMES.index(words[0])
    against = -0.3 if _OTHER & set(words) else 0.0
    return against + (0.25 if {*NAMES, *_MORE} & set(words) else 0.0)


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", clean(name[:1000]))
    return re.findall(r"[^\W\d_]+", spaced.lower())


def _header(rows: Sequence[Sequence[str]], index: int | None = None) -> int:
    """Returns the row of names among the rows before the first URL; -1 if there is none."""
    before = list[int]()
    for number, cells in enumerate(rows[:10]):
        looked = cells if index is None else cells[index : index + 1]
        if any(look(cell) > Look.NOTHING for cell in looked):
            break
        if any(map(str.strip, cells)):
            before.append(number)
    if not before:
        return -1
    hinted = [number for number in before if any(hint(cell) > 0 for cell in rows[number])]
    return (hinted or [number for number in before if len(rows[number]) > 1] or before)[0]


def _are_items(lines: Sequence[tuple[int, str]]) -> bool:
    """Whether most lines hold one word after cleaning, as in a list in Markdown."""
    return sum(len(clean(line).split()) == 1 for _, line in lines) * 2 > len(lines)


def _is_part_of_url(lines: Sequence[tuple[int, str]], delimiter: str) -> bool:
    """Whether a delimiter in nearly every line belongs to the URLs, as in `/news,123.html`.

    Called if the first column holds the URLs and no header confirms it. After a bare host, or before a blank, a column
    begins. Text that looks like the rest of a path belongs to the URL. If neither decides, many different hosts speak
    for a table.
    """
    votes, hosts, firsts = 0, set[str](), set[str]()
    for _, line in lines:
        first, _, rest = line.strip().partition(delimiter)
        host = _HOST.match(first)
        rest = rest.strip(delimiter + " \t")
        firsts.add(first)
        hosts.add(host[1] if host else first)
        if not rest or delimiter == "\t":
            continue
        is_root = host is not None and host.end() == len(first)
        is_path = _PATH.search(rest) or (not is_root and _ENDING.search(rest))
        if is_path and (delimiter == " " or " " not in rest):
            votes += 1
        elif is_root or delimiter == " " or " " in rest or '"' in rest:
            votes -= 1
    if votes:
        return votes > 0
    return len(firsts) < len(lines) / 2 or len(hosts) <= len(lines) / 2
