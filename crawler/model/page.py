"""The result of parsing a body: a page and its links."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, fields
from enum import IntFlag
from operator import attrgetter

from ..dataclass import dataclass
from .quick import quick
from .request import Request
from .returned import Returned
from .statement import Statement


@quick
@dataclass(frozen=True, slots=True)
class Links:
    """Canonical URLs in flat form, cheap to pickle. All fields have the same order."""

    texts: str = ""
    """The URLs joined by newlines (a canonical URL has none)."""
    fingerprints: bytes = b""
    """Eight bytes a URL, little-endian: `urls.fingerprint` under the crawl's key."""
    priorities: bytes = b""
    """One signed byte a URL: `Request.priority`, as a sitemap gives it. Empty: 0 for all."""
    modified: bytes = b""
    """Four bytes a URL, little-endian: Unix seconds of the last change by the sitemap; 0: unknown. Empty: 0 for all."""

    def __len__(self) -> int:
        return len(self.fingerprints) // 8

    def __reduce__(self) -> tuple[object, ...]:
        return Links, (self.texts, self.fingerprints, self.priorities, self.modified)

    def split(self) -> list[str]:
        """Returns the URLs as a list of strings."""
        return self.texts.split("\n") if self.texts else []


class LeftOut(IntFlag):
    """The rules that kept links of a page out of the crawl, as bits. Wider rules find these pages again by them."""

    REACH = 1
    """The links lead out of the reach of every seed."""
    PATTERNS = 2
    """`include` or `exclude` keeps them out."""
    DEPTH = 4
    """They are deeper than `max_depth`."""
    REPEATS = 8
    """Their path repeats itself (`max_repeats`)."""
    NOFOLLOW = 16
    """A `nofollow` counts for them."""
    MAX_LINKS = 32
    """The page has more links than are followed."""
    KINDS = 64
    """The page may hold kinds of links that are not followed (`follow`)."""
    REQUISITES = 128
    """It may need files to be shown that are not fetched (`requisites`, `max_requisites`)."""
    BEYOND = 256
    """Links lead out of the reach and are followed as extra hops (`extra_hops`). Nothing of them is left out."""


@quick
@dataclass(frozen=True, slots=True)
class Page:
    """The result of parsing a body: small, picklable, made in a worker."""

    digest: bytes
    """SHA-256 of the decoded body."""
    length: int = 0
    """Bytes of the decoded body."""
    kind: str = "other"
    """The format it was parsed as: `html`, `sitemap`, `feed`, `text`, `pdf` (if these are read) or `other`."""
    charset: str = ""
    """The name of the charset that the body was read in; empty: it is no text."""
    title: str = ""
    """The title; empty: it has none."""
    description: str = ""
    """The description in its head (meta description); empty: it has none."""
    language: str = ""
    """The language that it states (BCP 47), such as `de-CH`; empty: it states none."""
    canonical: str = ""
    """The canonical URL that it states (link rel=canonical); empty: it states none."""
    robots: str = ""
    """Directives of the page for robots that apply to this crawler: `noindex, nofollow`."""
    simhash: int = 0
    """A hash of 64 bits over the words of the text; near duplicates differ in few bits. 0: no text, or unasked."""
    gist: int = 0
    """A hash of 64 bits over the letters of title and text, without words of its URL. Equal if only numbers differ."""
    numbers: int = 0
    """A sketch of the numbers in its text; `parse/evidence.py` says how to compare them."""
    media: bytes = b""
    """Four bytes for each picture, recording or document that it shows or offers; odd if a date names it."""
    end: tuple[int, int] = (0, 0)
    """The number of the last page of its series, as the page states it, and 64 bits that identify the series."""
    is_ahead: bool = False
    """The page shows pictures and has a date more than a year ahead, as pages of endless calendars have."""
    is_brief: bool = False
    """Its text is long and pages like it are well known, so `gist`, `numbers`, `media`, `end` and `is_ahead`, by which
    pages are compared, were not made; `simhash` only if the records have it."""
    sketch: bytes = b""
    """A sample of its pairs of words, by which near duplicates are found (`parse/sketch.py`), if these are looked for.
    Empty: no text, or too little."""
    n_links: int = 0
    """Distinct URLs the page points to, in scope or not."""
    news: Links = Links()
    """Links in scope that this worker has not reported lately. If these are dropped, the links are lost."""
    links_json: bytes = b""
    """A JSON array of all links, if the record has links."""
    audit_json: bytes = b""
    """A JSON object of facts for the site's owner, if the record has them (docs/records.md)."""
    text: str = ""
    """The readable text of its main part, if the record has text."""
    markdown: str = ""
    """The main part as markdown (GitHub's flavour), if the record has markdown."""
    text_from: str = ""
    """The part that both are made of, a word of docs/extraction.md; empty: nothing was chosen."""
    metadata_json: bytes = b""
    """Statements of the page about itself as JSON, if the record has metadata."""
    structured_json: bytes = b""
    """Its structured data as JSON (JSON-LD, microdata, Open Graph ...), if the record has it."""
    fields_json: bytes = b""
    """The values of `extract.fields` as a JSON object, if there are some."""
    fields_found: int = 0
    """A bit for each of these fields, in their order, that has a value."""
    fields_unread: int = 0
    """A bit for each one whose place was found, but no value of its type."""
    pdf_json: bytes = b""
    """Facts of a PDF file as JSON, if these files are read: its pages, author, dates."""
    data_json: bytes = b""
    """The result of the user's own parse function, as JSON."""
    data_error: str = ""
    """The error that the user's parse function raised, as `TypeError: ...`. The rest of the page is complete."""
    data_trace: str = field(default="", compare=False)
    """The traceback of that error, if no earlier page of this worker had one of the same function."""
    parser: str = ""
    """The name of the parse function that failed. Empty: none did."""
    returned: Returned | None = field(default=None, repr=False, compare=False)
    """The same result as a value, if somebody is to have it as it was returned."""
    asked: tuple[Request, ...] = ()
    """Requests for the links that the user's parse function gave, those that belong to the crawl."""
    truncated: str = ""
    """Why only the start was read (WARC 1.1, 5.13): `length`, the rest did not fit; `unspecified`, it did not come."""
    is_scanned: bool = False
    """A tree would take too much memory, or a worker died of one: title and links come from a linear scan, no text."""
    note: str = ""
    """A message for a person, such as why the rest of a sitemap was not read."""
    left_out: int = 0
    """Bits of `LeftOut`: the rules that kept links of this page out of the crawl."""
    outside: bytes = b""
    """Fingerprints of the places out of reach that it links to, eight bytes each, little-endian. Links that this worker
    reported lately are not among them. If a new seed admits such a place, the page is read again."""
    beyond: Links = Links()
    """Links that lead out of the reach and are followed all the same, one extra hop further out. News like `news`."""
    n_requisites: int = 0
    """References to what it needs to be shown, if these are looked for."""
    requisites: Links = Links()
    """Files that the page needs to be shown, whatever their host. News like `news`."""
    needs_rendering: str = ""
    """Why the page needs rendering, a word of `RenderedFor`. Then nothing of it was reported. Empty: it does not."""
    n_words: int = 0
    """Words of its text, where it was looked at whether it needs rendering or was rendered."""
    relevance: float | None = None
    """How much it is about the words of the crawl's focus, from 0 to 1. None: it has none, or the page no text."""
    blocked_by: str = ""
    """Evidence that the page comes from a protection that keeps crawlers out, in a few words. Empty: there is none."""
    usage: tuple[Statement, ...] = ()
    """Statements of the answer about its use, in its header and its metas, if that is asked for."""

    def __reduce__(self) -> tuple[object, ...]:
        return Page, _values_of(self)


_values_of: Callable[[Page], tuple[object, ...]] = attrgetter(*(field.name for field in fields(Page)))
"""Returns all values of a page. Pickled as a tuple, a page costs half of what dataclasses take."""
