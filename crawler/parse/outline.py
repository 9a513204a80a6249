"""Outlines a page: its statements to people, to search engines and to crawlers, short enough to compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import turbohtml

from .. import urls
from ..errors import ParseError
from ..model import Reason
from . import charset, codings, directives, fields, html, kinds, shell
from .job import Document, ParseJob
from .reading import one_line

MOST_HEADINGS = 200
MOST_TRANSLATIONS = 200
_NO_TEXT = "script,style,noscript,template,title,svg"
_HEADINGS = "h1,h2,h3,h4,h5,h6"


@dataclass(frozen=True, slots=True)
class Outline:
    """The statements of one page. Those that it does not make are empty."""

    title: str = ""
    """Its title."""
    description: str = ""
    """Its description for search engines."""
    language: str = ""
    """The language that it names."""
    canonical: str = ""
    """The canonical link, absolute."""
    robots: str = ""
    """The directives for robots, of metas and of the header X-Robots-Tag."""
    hreflang: tuple[str, ...] = ()
    """Languages and the URLs of the page in them: `de https://example.org/de`."""
    headings: tuple[str, ...] = ()
    """Headings with their level, in order: `h1 Tea`. The first 200."""
    links: tuple[str, ...] = ()
    """URLs that it links to, each once, in order."""
    words: int = 0
    """Words of its text, without the title, drawings and what stands there for readers without scripts."""
    rendered_for: str = ""
    """Why `--render auto` would render it, a word of the field `rendered`. Empty: it would not."""


def read_outline(document: Document, job: ParseJob) -> Outline:
    """Returns the outline of an HTML document. Raises ParseError for a broken coding, or a tree that is too large."""
    limit = job.max_body_bytes
    body = codings.decode_beginning(document.body, document.content_encoding, limit, is_cut=True).body[:limit]
    if html.is_too_large(body, job.tree_bytes):
        raise ParseError(Reason.PARSE, "its tree would take more memory than offload.page_memory_bytes")
    label, is_xml = charset.label(document.content_type), kinds.is_xml(document.content_type)
    reading = html.read(body, label, document.url.text, job, is_xml=is_xml, looks_for_shell=True)
    fields.note(reading, document, job)
    tree, _ = html.parse_tree(body, label)
    resolve = urls.make_resolver(reading.base or document.url.text, job.policy)
    hrefs = list(dict.fromkeys(reading.hrefs))[: job.max_links]
    hreflang, headings = _translations(tree, resolve), _headings(tree)
    tree.remove(_NO_TEXT)  # comes last because it changes the tree
    return Outline(
        title=reading.title,
        description=reading.description,
        language=reading.language,
        canonical=resolve(reading.canonical) if reading.canonical else "",
        robots=directives.summary(reading.directives),
        hreflang=hreflang,
        headings=headings,
        links=tuple(dict.fromkeys(filter(None, map(resolve, hrefs)))),
        words=shell.count(" ".join(tree.strings)),
        rendered_for=shell.judge("auto", reading.shell, reading.words),
    )


def _translations(tree: turbohtml.Document, resolve: Callable[[str], str]) -> tuple[str, ...]:
    named = tree.select("link[hreflang][href]")[:MOST_TRANSLATIONS]
    pairs = ((one_line(link.attr("hreflang") or "", 35), resolve(link.attr("href") or "")) for link in named)
    return tuple(f"{language} {url}" for language, url in pairs if language and url)


def _headings(tree: turbohtml.Document) -> tuple[str, ...]:
    found = tree.select(_HEADINGS)[:MOST_HEADINGS]
    return tuple(f"{one.tag} {one_line(one.text, 200)}".rstrip() for one in found)
