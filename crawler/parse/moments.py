"""Finds when a page was published and changed, as dates or moments of ISO 8601."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from html import escape

import turbohtml
from turbohtml.extract import DateExtraction, dates

from .beside import Beside

Metas = dict[str, list[str]]
"""Values of `<meta>` by name or property, in lower case."""
_PUBLISHED = """
    article:published_time og:article:published_time datepublished date pubdate publishdate publish_date dc.date
    dc.date.issued dcterms.created dcterms.issued dcterms.date parsely-pub-date sailthru.date citation_date
    citation_publication_date article:published rnews:datepublished originalpublicationdate publication_date
    """.split()  # noqa: SIM905 - a list of as many texts is hard to read
_MODIFIED = ("article:modified_time", "og:updated_time", "datemodified", "dcterms.modified", "last-modified")
_IN_ADDRESS = re.compile(r"/((?:19|20)\d\d)[/-](\d\d?)[/-](\d\d?)(?!\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LONGEST, _LONGEST_ADDRESS = 64, 2048
_TIMES = "time[pubdate],time.published,[itemprop=datePublished]", "article time[datetime],main time[datetime]"
_DATED = (
    "[class*=date i],[class*=datum i],[class*=time i],[class*=publi i],[class*=posted i],[class*=fecha i],"
    "[class*=meta i],[class*=byline i],[id*=date i],time"
)
"""Matches elements that sites make for the date of a page."""
_MOST_DATED, _LONGEST_LINE = 60, 120
_NUMBERED = re.compile(r"\d{4}|\d[./-]\d")
_GUESSED = DateExtraction(original=True)


def published(document: turbohtml.Document, metas: Metas, said: Iterable[object], url: str) -> str | None:
    """Returns when a page was published: a date, or a moment if one of that date is known; None: nobody can tell.

    `said` are the values of `datePublished`, `url` is the page's own. A date in the address comes first, for it was
    written once; then what the page says for machines, then what it shows.
    """
    moments = [*_read(metas, _PUBLISHED, said), *_shown(document)]
    day = _in_address(document, url) or (moments[0][:10] if moments else _marked(document) or _guess(document))
    return next((one for one in moments if one[:10] == day), day) or None


def modified(metas: Metas, said: Iterable[object]) -> str | None:
    """Returns when a page says that it was changed; `said` are the values of `dateModified`."""
    return next(_read(metas, _MODIFIED, said), None)


def _read(metas: Metas, names: Iterable[str], said: Iterable[object]) -> Iterator[str]:
    for value in (*(value for name in names for value in metas.get(name, ())), *said):
        if isinstance(value, str) and (moment := read_moment(value)):
            yield moment


def _shown(document: turbohtml.Document) -> Iterator[str]:
    for selector in _TIMES:
        for element in document.select(selector)[:1]:
            if moment := read_moment(element.attr("content") or element.attr("datetime") or element.text):
                yield moment


def read_moment(text: str) -> str:
    """Returns a date or a moment as ISO 8601 has it, its zone kept as said; empty: it is none that we can read."""
    text = text.strip()[:_LONGEST]
    for read in (_read_day, _read_iso, _read_mail):
        if found := read(text):
            return found
    return _read_day(text[:10]) if _DAY.match(text) else ""


def _read_day(text: str) -> str:
    return _try(lambda: date.fromisoformat(text).isoformat()) if _DAY.fullmatch(text) else ""


def _read_iso(text: str) -> str:
    return _try(lambda: datetime.fromisoformat(text).isoformat()) if _DAY.match(text) else ""


def _read_mail(text: str) -> str:
    """Reads the form of RFC 5322, as in `Mon, 04 May 2026 10:00:00 GMT`."""
    return _try(lambda: parsedate_to_datetime(text).isoformat())


def _try(read: Callable[[], str]) -> str:
    try:
        return read()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _in_address(document: turbohtml.Document, url: str) -> str:
    canonical = [one.attr("href") or "" for one in document.select("link[rel=canonical]")[:1]]
    shared = [one.attr("content") or "" for one in document.select('meta[property="og:url"]')[:1]]
    for address in (*canonical, *shared, url):
        found = _IN_ADDRESS.search(address[:_LONGEST_ADDRESS])
        if found and (day := _read_day(f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}")):
            return day
    return ""


def _marked(document: turbohtml.Document) -> str:
    """Returns the first date that stands in a place of its own, such as `<span class="post-date">`."""
    is_beside = Beside(document)
    for element in document.select(_DATED)[:_MOST_DATED]:
        text = " ".join(element.text[:_LONGEST_LINE].split())
        if len(text) >= _LONGEST_LINE or not _NUMBERED.search(text) or is_beside(element):
            continue
        if found := dates(f"<p>{escape(text)}</p>", _GUESSED):
            return found.date
    return ""


def _guess(document: turbohtml.Document) -> str:
    """Returns a date that stands somewhere in the text; empty: none does. It takes a second parse."""
    found = dates(document.html, _GUESSED)
    return found.date if found else ""
