"""Collects from an HTML page the facts that its site's owner wants to know, in bounded size.

docs/records.md names them: links with their texts, the places that a page has, headings, translations, structured data,
mixed content, images without alternative texts, security headers.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Callable, Iterator
from zlib import crc32

import orjson
import turbohtml

from . import legacy, structured
from .facts import Facts
from .job import Document, ParseJob
from .links import kinds_of_link
from .reading import one_line

MOST_LINKS = 3000
MOST_CHARS = 160 << 10
"""Characters of all links together."""
MOST_TEXT = 120
"""Characters of the text of a link."""
MOST_FRAGMENT = 200
MOST_PLACES = 2000
"""Ids and names of a page, four bytes each."""
MOST_HEADINGS = 10
MOST_CANONICALS = 5
MOST_TRANSLATIONS = 200
MOST_MIXED = 50
MOST_IMAGES = 20
MOST_HEADER = 1000
"""Characters of a header's value."""
HEADERS = (
    "strict-transport-security", "content-security-policy", "x-content-type-options", "referrer-policy",
    "x-frame-options", "permissions-policy",
)  # fmt: skip
_READS = 4
"""A page's texts are read as if it had so many times its bytes: links within links could be read over and over."""
_RESOURCES = {
    "img": ("images", "src"),
    "script": ("scripts", "src"),
    "iframe": ("frames", "src"),
    "frame": ("frames", "src"),
    "embed": ("media", "src"),
    "object": ("media", "data"),
    "audio": ("media", "src"),
    "video": ("media", "src"),
    "source": ("media", "src"),
    "track": ("media", "src"),
}
_LD = "application/ld+json"
_LOADED = frozenset({"styles", "scripts", "images"})
"""Kinds of `<link>` that a browser loads."""


def collect(document: turbohtml.Document, charset: str, size: int, job: ParseJob) -> Facts:
    """Returns the facts of a tree whose scripts are still in it. `size` is the length of the body in bytes."""
    facts = Facts()
    _note_anchors(facts, document, _READS * size)
    _note_head(facts, document, job)
    _note_resources(facts, document, job)
    _note_places(facts, document)
    facts.headings = [one_line(one.text, 200) for one in document.find_all("h1")[:MOST_HEADINGS]]
    blocks = [one.text for one in document.find_all("script") if (one.attr("type") or "").strip().lower() == _LD]
    facts.structured, facts.errors = structured.check(blocks) if blocks else ([], [])
    hrefs = legacy.encode_hrefs([href for href, _, _ in facts.links], charset)
    facts.links = [(href, kind, text) for href, (_, kind, text) in zip(hrefs, facts.links, strict=True)]
    return facts


def _note_anchors(facts: Facts, document: turbohtml.Document, room: int) -> None:
    anchors = document.find_all("a" if document.find("area") is None else ["a", "area"])
    if len(anchors) > MOST_LINKS:
        facts.cut.append("links")
    for anchor in anchors[:MOST_LINKS]:
        href = anchor.attr("href")
        if href is None:
            continue
        inner = anchor.inner_html if room > 0 else ""
        room -= len(inner)
        facts.links.append((href, "anchors", _text(anchor, inner)))


def _text(anchor: turbohtml.Element, inner: str) -> str:
    """Returns the text of a link; that of its image if it has no other."""
    text = one_line(anchor.text, MOST_TEXT) if inner else ""
    if text:
        return text
    shown = anchor if anchor.tag == "area" else anchor.find("img") if "<img" in inner else None
    own = anchor.attr("aria-label") or anchor.attr("title") or ""
    return one_line((shown.attr("alt") if isinstance(shown, turbohtml.Element) else "") or own, MOST_TEXT)


def _note_head(facts: Facts, document: turbohtml.Document, job: ParseJob) -> None:
    """Notes what stands in `<link>`, and in `<form>`."""
    facts.titles = sum(one.namespace is turbohtml.Namespace.HTML for one in document.find_all("title"))
    for link in document.find_all("link"):
        href, relations = link.attr("href"), (link.attr("rel") or "").lower().split()
        if not href or not relations:
            continue
        kinds = kinds_of_link(relations, link.attr("type") or "")
        if "canonical" in kinds and len(facts.canonicals) < MOST_CANONICALS:
            facts.canonicals.append(href)
        if "alternate" in relations and (language := link.attr("hreflang")):
            facts.translations.append((one_line(language, 35), href))
        if kinds & _LOADED:
            _note_loaded(facts, "link", href)
        facts.links += [(href, kind, "") for kind in sorted(kinds) if _is_wanted(kind, job)]
    for form in document.find_all("form"):
        _note_loaded(facts, "form", form.attr("action") or "")


def _note_resources(facts: Facts, document: turbohtml.Document, job: ParseJob) -> None:
    for tag, (kind, name) in _RESOURCES.items():
        is_wanted, is_image = _is_wanted(kind, job), tag == "img"
        for element in document.find_all(tag):
            href = element.attr(name)
            if is_image:
                _note_image(facts, element, href or "")
            if not href:
                continue
            _note_loaded(facts, tag, href)
            if is_wanted and len(facts.links) < 2 * MOST_LINKS and href[:5].lower() != "data:":
                facts.links.append((href, kind, one_line((element.attr("alt") or "") if is_image else "", MOST_TEXT)))


def _note_image(facts: Facts, image: turbohtml.Element, href: str) -> None:
    facts.images += 1
    if image.attr("alt") is None and image.attr("role") not in {"presentation", "none"}:
        facts.n_without_alt += 1
        if len(facts.without_alt) < MOST_IMAGES and href and href[:5].lower() != "data:":
            facts.without_alt.append(href)


def _note_loaded(facts: Facts, tag: str, href: str) -> None:
    if href[:64].lstrip()[:5].lower() == "http:" and len(facts.loaded) < MOST_MIXED:
        facts.loaded.append((tag, href))


def _is_wanted(kind: str, job: ParseJob) -> bool:
    """Whether links of a kind other than anchors are fetched, so that their targets have outcomes."""
    return kind in job.follow or (job.most_requisites > 0 and kind in {"images", "media", "styles", "scripts"})


def _note_places(facts: Facts, document: turbohtml.Document) -> None:
    """Notes the ids of elements, and the names of anchors: a link may lead there."""
    found = [one.attr("id") or "" for one in document.select("[id]")[: MOST_PLACES + 1]]
    found += [one.attr("name") or "" for one in document.select("a[name]")[: MOST_PLACES + 1]]
    facts.places = list(dict.fromkeys(found))
    if len(facts.places) > MOST_PLACES:
        facts.cut.append("ids")


def encode(facts: Facts, document: Document, resolve: Callable[[list[str]], list[str]]) -> bytes:
    """Returns the facts as JSON, as records have them. `resolve` gives the URL of each href, "" if it leads nowhere."""
    found = {
        "links": list(_links(facts, resolve)),
        "ids": _pack(facts.places),
        "titles": facts.titles if facts.titles > 1 else 0,
        "h1": facts.headings,
        "canonicals": list(dict.fromkeys(filter(None, resolve(facts.canonicals)))),
        "hreflang": _translations(facts, resolve),
        "structured": facts.structured,
        "structured_errors": facts.errors,
        "mixed": _mixed(facts, document.url.text, resolve),
        "images": facts.images,
        "n_no_alt": facts.n_without_alt,
        "no_alt": [url for url in resolve(facts.without_alt) if url],
        "security": _headers(document),
        "cut": facts.cut,
    }
    return orjson.dumps({name: value for name, value in found.items() if value})


def _links(facts: Facts, resolve: Callable[[list[str]], list[str]]) -> Iterator[list[str]]:
    """Yields each link once: URL, kind, text and fragment, without empty ones at the end."""
    room, known = MOST_CHARS, set[tuple[str, ...]]()
    targets = resolve([href for href, _, _ in facts.links])
    for url, (href, kind, text) in zip(targets, facts.links, strict=True):
        fragment = href.partition("#")[2].strip()[:MOST_FRAGMENT] if "#" in href and kind == "anchors" else ""
        one = (url, kind, text, fragment) if fragment else (url, kind, text) if text else (url, kind)
        if not url or one in known:
            continue
        known.add(one)
        room -= sum(map(len, one)) + 10
        if room < 0 or len(known) > MOST_LINKS:
            if "links" not in facts.cut:
                facts.cut.append("links")
            return
        yield list(one)


def _translations(facts: Facts, resolve: Callable[[list[str]], list[str]]) -> list[list[str]]:
    named = facts.translations[:MOST_TRANSLATIONS]
    urls = resolve([href for _, href in named])
    return [[language, url] for (language, _), url in zip(named, urls, strict=True) if url]


def _mixed(facts: Facts, url: str, resolve: Callable[[list[str]], list[str]]) -> list[list[str]]:
    if not url.startswith("https:"):
        return []
    urls = resolve([href for _, href in facts.loaded])
    pairs = zip(facts.loaded, urls, strict=True)
    return [list(one) for one in dict.fromkeys((tag, url) for (tag, _), url in pairs if url.startswith("http:"))]


def _headers(document: Document) -> dict[str, str]:
    sent = {name.lower(): value for name, value in document.headers}
    named = ((name, sent.get(name.encode())) for name in HEADERS)
    return {name: value.decode("latin-1")[:MOST_HEADER] for name, value in named if value is not None}


def _pack(places: list[str]) -> str:
    """Returns the places as base64: 32 bits for each, little-endian."""
    marks = [crc32(one.encode("utf-8", "replace")) for one in places[:MOST_PLACES] if one]
    return b64encode(struct.pack(f"<{len(marks)}I", *marks)).decode()
