"""Answers a search: the pages that hold the words, the best first."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ..conditions.moments import normalize
from ..errors import ConfigError
from ..export.source import Tell, tell_nobody
from ..folder.folder import Folder
from ..runtime.nearest import did_you_mean
from .indexing import Index, open_current
from .spelling import unspell
from .words import read_words

VERSION = 1
"""Version of the JSON object. Under the same number no field is renamed or changes its meaning."""
LIMIT, MOST = 10, 1000
SHOWN_TOKENS = 32
"""Words of a snippet; SQLite allows 64."""
WEIGHTS = "8.0, 1.0, 2.0"
"""How much a word counts in the title, the text and the address (bm25)."""
_BEGIN, _END = "\x02", "\x03"
"""Stand around found words; the index holds no control characters."""
_MARKS = re.compile(f"[{_BEGIN}{_END}]")
_STATUS = re.compile("[1-5](?:[0-9]{2}|xx)")


class Choice(NamedTuple):
    """Which pages may be found. Empty fields allow all."""

    site: str = ""
    """Scheme, host and port, or a host alone."""
    status: str = ""
    """`404`, or `4xx`."""
    after: str = ""
    """Seen at this moment or later; a date or RFC 3339."""
    before: str = ""
    """Seen before this moment."""


class SearchHit(NamedTuple):
    """One page that was found."""

    url: str
    """Its URL."""
    title: str
    """Its title; empty: it has none."""
    snippet: str
    """The part of its text that holds most of the words."""
    marks: tuple[tuple[int, int], ...]
    """Where the words stand in the snippet: from which character to which."""
    score: float
    """How well the page fits, by bm25; more is better. Only scores of one search can be compared."""
    status: int | None
    """The HTTP status of its answer."""
    site: str
    """Scheme, host and port of its URL."""
    at: str
    """When it was last seen so, RFC 3339, UTC."""

    def record(self) -> dict[str, object]:
        """Returns it as a JSON object; docs/searching.md describes its fields."""
        return {"v": VERSION, **self._asdict(), "marks": [list(mark) for mark in self.marks]}


class SearchAnswer(NamedTuple):
    """The answer to one search."""

    total: int
    """How many pages hold the words, shown or not."""
    hits: tuple[SearchHit, ...]
    """The pages, the best first."""
    has_texts: bool
    """Whether the crawl kept texts. Otherwise only titles and addresses were searched."""


def search_folder(
    folder: Folder,
    words: str,
    *,
    site: str = "",
    status: str = "",
    after: str = "",
    before: str = "",
    limit: int = LIMIT,
    tell: Tell = tell_nobody,
) -> SearchAnswer:
    """Finds the pages of a crawl that hold all words, the best first. What is settled counts; a crawl may run.

    `"several words"` stand together, `-word` must be absent, `word*` is a beginning. The index stands in the folder
    and is brought up to date first. Blocks. Raises ConfigError for what cannot be searched for, FolderError,
    FrontierError, StorageFull.
    """
    choice = Choice(site, status, after, before)
    check(words, choice, limit)
    with open_current(folder, tell) as index:
        return search(index, words, choice, limit)


def check(words: str, choice: Choice, limit: int = LIMIT) -> None:
    """Raises ConfigError for words or a choice that cannot be searched for."""
    read_words(words)
    _conditions(choice)
    if not 1 <= limit <= MOST:
        raise ConfigError(f"limit: {limit}, and it should be 1 to {MOST:,}")


def search(index: Index, words: str, choice: Choice, limit: int) -> SearchAnswer:
    """Finds pages in an open index. Raises ConfigError, sqlite3.Error."""
    match = read_words(words).match
    conditions, values = _conditions(choice)
    base = index.store.base
    chosen = f"FROM word JOIN page ON page.id = word.rowid WHERE word MATCH ?{conditions}"
    total = int(base.execute(f"SELECT count(*) {chosen}", (match, *values)).fetchone()[0])
    if not total and choice.site:
        _require_site(index, choice.site)
    best = base.execute(
        f"SELECT page.id, bm25(word, {WEIGHTS}) AS rank {chosen} ORDER BY rank, page.id LIMIT ?",
        (match, *values, limit),
    ).fetchall()
    hits = tuple(_hit(index, match, number, -rank) for number, rank in best)
    return SearchAnswer(total, hits, index.has_texts)


def _hit(index: Index, match: str, number: int, score: float) -> SearchHit:
    """Returns one page with its snippet. That is made of the shown pages alone: it costs more than a rank."""
    query = (
        "SELECT url, page.title, snippet(word, 1, char(2), char(3), '…', ?), status, site, at"
        " FROM word JOIN page ON page.id = word.rowid WHERE word MATCH ? AND word.rowid = ?"
    )
    url, title, marked, status, site, at = index.store.base.execute(query, (SHOWN_TOKENS, match, number)).fetchone()
    snippet, marks = _find_marks(" ".join(unspell(marked).split()))
    return SearchHit(url, unspell(title), snippet, marks, round(score, 4), status, site, at)


def _find_marks(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Returns a text without its marks, and where they stood. Neighbours of solid scripts become one."""
    marks = list[tuple[int, int]]()
    for taken, found in enumerate(_MARKS.finditer(text)):
        at = found.start() - taken
        if found[0] == _BEGIN:
            marks.append(marks.pop() if marks and marks[-1][1] == at else (at, at))
        elif marks:
            marks[-1] = (marks[-1][0], at)
    return _MARKS.sub("", text), tuple(marks)


def _conditions(choice: Choice) -> tuple[str, list[str | int]]:
    """Returns what a choice adds to a query, with its values. Raises ConfigError."""
    parts: list[tuple[str, list[str | int]]] = []
    if choice.site:
        parts.append(("page.site IN (?, ?, ?)", list(_spellings(choice.site))))
    if choice.status:
        parts.append(("page.status BETWEEN ? AND ?", _statuses(choice.status)))
    if choice.after:
        parts.append(("page.at >= ?", [_moment("after", choice.after)]))
    if choice.before:
        parts.append(("page.at < ?", [_moment("before", choice.before)]))
    return "".join(f" AND {words}" for words, _ in parts), [value for _, values in parts for value in values]


def _spellings(site: str) -> tuple[str, str, str]:
    bare = site.rstrip("/").lower()
    return bare, f"https://{bare}", f"http://{bare}"


def _statuses(text: str) -> list[str | int]:
    if not _STATUS.fullmatch(text):
        raise ConfigError(f"status: {text!r} is none; write 404, or 4xx")
    return [int(text.replace("x", "0")), int(text.replace("x", "9"))]


def _moment(name: str, text: str) -> str:
    found = normalize(text)
    if found is None:
        raise ConfigError(f"{name}: {text!r} is no date; write 2026-05-04, or 2026-05-04T03:02:01Z")
    return found


def _require_site(index: Index, site: str) -> None:
    """Raises ConfigError for a site of which there is no page."""
    base, one = index.store.base, _spellings(site)
    if base.execute("SELECT 1 FROM page WHERE site IN (?, ?, ?) LIMIT 1", one).fetchone() is None:
        rows = base.execute("SELECT DISTINCT site FROM page LIMIT 10000").fetchall()
        wants_scheme: Callable[[str], str] = str if "://" in site else lambda origin: origin.partition("://")[2]
        near = did_you_mean(one[0], [wants_scheme(row[0]) for row in rows])
        raise ConfigError(f"site: no page of {site!r} can be found{near}")
