"""Judges how much a page is about some words, and which of its links promise more of it. Pure.

A link's promise is made of its text, its URL and the page on which it stands; where that is not about the words, of
what the page itself had promised. So a crawl can go through a few pages that lead on.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import unquote

import turbohtml

from .reading import Reading
from .sitemap import FIRST, MAX_INDEXES

Score: TypeAlias = Callable[[str, str], float]
"""Returns how much a link promises, from 0 to 1, by its URL and its text."""

LEVELS = 20
"""Steps of a promise. The best one is the priority -20: behind sitemaps, before all else."""
MOST_TEXT, MOST_LINK_TEXT = 200_000, 300
"""Characters of a page, and of the text of a link, that are read."""
MOST_TEXTS = 1 << 20
"""Characters of the texts of all links of a page that are read."""
_MOST_HITS = 12
_HALF = 3
"""Times that a word of the text stands for half of its worth; in the title it is worth all."""
_OWN, _AROUND, _BEHIND = 0.75, 0.4, 0.6
"""Parts of a promise: by the link itself, by its page, and what is left of it behind a page that is not relevant."""
_SOLID = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")


@lru_cache(64)
def _pattern(word: str) -> tuple[str, re.Pattern[str]]:
    """Returns letters that stand wherever a word does, and its expression, in which they are escaped: it is linear."""
    bare = word.rstrip("*")
    parts = [part for part in re.split(r"[\W_]+", bare) if part]
    letters = r"[\W_]+".join(map(re.escape, parts))
    if not _SOLID.search(bare):  # written with spaces
        letters = rf"(?<![^\W_]){letters}" + ("" if word.endswith("*") else r"(?![^\W_])")
    return max(parts, key=len), re.compile(letters)


def _counts(words: Sequence[str], text: str) -> list[int]:
    return [_count(*_pattern(word), text) for word in words]


def _count(letters: str, pattern: re.Pattern[str], text: str) -> int:
    """Returns how often a word stands in a text, up to a bound. Most texts are found to lack it at once."""
    if letters not in text:
        return 0
    return sum(1 for _, _ in zip(range(_MOST_HITS), pattern.finditer(text), strict=False))


def find_relevance(words: Sequence[str], title: str, text: str) -> float:
    """Returns how much a page is about the words, from 0 to 1: the mean over them, so that all of them count alike."""
    in_title = _counts(words, title.casefold())
    in_text = _counts(words, text[:MOST_TEXT].casefold())
    worth = [1.0 if named else n / (n + _HALF) for named, n in zip(in_title, in_text, strict=True)]
    return sum(worth) / len(worth)


def rate_link(words: Sequence[str], url: str, text: str) -> float:
    """Returns the part of the words that a link's text or URL names."""
    said = f"{text[:MOST_LINK_TEXT]} {unquote(url, errors='replace')}".casefold()
    return sum(map(bool, _counts(words, said))) / len(words)


def link_texts(document: turbohtml.Document) -> list[tuple[str, str]]:
    """Returns the anchors of a page as they are written, each with its text, or that of its picture.

    In XML anchors may stand in one another, so that together their texts are longer than the page: the texts end there.
    """
    found, room = [], MOST_TEXTS
    for anchor in document.find_all("a"):
        if (href := anchor.attr("href")) is not None:
            text = anchor.text if room > 0 else ""
            room -= len(text)
            said = text.strip() or anchor.attr("title") or _picture_text(anchor)
            found.append((href, said[:MOST_LINK_TEXT]))
    return found


def _picture_text(anchor: turbohtml.Element) -> str:
    """Returns the text that stands for a picture right in an anchor."""
    pictures = [one for one in anchor.children if isinstance(one, turbohtml.Element) and one.tag == "img"]
    return pictures[0].attr("alt") or "" if pictures else ""


def join_texts(anchors: Iterable[tuple[str, str]], resolve: Callable[[str], str]) -> Mapping[str, str]:
    """Returns the texts of all anchors that lead to a URL, by that URL."""
    found = dict[str, str]()
    for href, text in anchors:
        url = resolve(href)
        found[url] = f"{found[url]} {text}"[: 2 * MOST_LINK_TEXT] if url in found else text
    return found


def promise(own: float, around: float, page_priority: int) -> float:
    """Returns the promise of a link, from 0 to 1.

    `around` is the relevance of its page, and `page_priority` the priority with which that was visited.
    """
    promised = -page_priority / LEVELS if -LEVELS <= page_priority < 0 else 0.0
    return 1 - (1 - _OWN * own) * (1 - _AROUND * max(around, _BEHIND * promised))


def to_priority(promised: float, said: int = 0) -> int:
    """Returns the priority of a request, lower first; `said` is that of a sitemap, whose own sitemaps go first."""
    if FIRST <= said <= FIRST + MAX_INDEXES:
        return said
    return said - round(LEVELS * min(max(promised, 0.0), 1.0))


def rank_links(
    words: Sequence[str], urls: Sequence[str], texts: Mapping[str, str], relevance: float, page_priority: int
) -> bytes:
    """Returns the priorities of links, one signed byte each."""
    rated = (rate_link(words, url, texts.get(url, "")) for url in urls)
    return array("b", [to_priority(promise(own, relevance, page_priority)) for own in rated]).tobytes()


def rank_by(score: Score, urls: Sequence[str], texts: Mapping[str, str]) -> bytes:
    """Returns the priorities that a function of the user gives. Raises whatever it raises, and TypeError."""
    return array("b", [to_priority(float(score(url, texts.get(url, "")))) for url in urls]).tobytes()


def relevance_of(words: Sequence[str], reading: Reading) -> float | None:
    """Returns how much what was read is about the words; None: nothing was read, or nobody asks."""
    if not words or not (reading.words or reading.title):
        return None
    return round(find_relevance(words, reading.title, reading.spaced or reading.words), 3)
