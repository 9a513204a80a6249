"""Defines the kinds of links, and which elements and headers contain them. Standards: WHATWG HTML, RFC 8288.

A crawl follows the kinds that its settings name; other kinds are not even read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import turbohtml

from .microsyntax import srcset_urls

KINDS = (
    "anchors", "frames", "refresh", "pagination", "canonical", "alternates", "feeds",
    "images", "media", "styles", "scripts", "forms",
)  # fmt: skip
"""All kinds of links. The setting `scope.follow` explains each."""

_Found = Iterator[str | None]
_Reader = Callable[[turbohtml.Element], _Found]
_FEEDS = ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json")
_STEPS = {"next", "prev", "previous"}
_ICONS = {"icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon"}


def kinds_of_link(relations: Sequence[str], content_type: str) -> set[str]:
    """Returns the kinds of a link, in an element or a header, by its relations in lower case."""
    kinds = set()
    is_style = "stylesheet" in relations
    for relation in relations:
        if relation in _STEPS:
            kinds.add("pagination")
        elif relation == "canonical":
            kinds.add("canonical")
        elif relation == "stylesheet":
            kinds.add("styles")
        elif relation == "modulepreload":
            kinds.add("scripts")
        elif relation in _ICONS:
            kinds.add("images")
        elif relation == "amphtml" or (relation == "alternate" and not is_style):
            kinds.add("feeds" if content_type.partition(";")[0].strip().lower() in _FEEDS else "alternates")
    return kinds


@lru_cache(maxsize=64)
def readers(follow: frozenset[str]) -> dict[str, _Reader]:
    """Returns a reader of URLs for each tag, for the kinds that are followed.

    `a`, `area`, `base`, `link` and `meta` are read elsewhere.
    """
    chosen: dict[str, list[_Reader]] = {}
    for kind, tag, reader in _READERS:
        if kind in follow:
            chosen.setdefault(tag, []).append(reader)
    return {tag: _all_of(those) for tag, those in chosen.items()}


def _all_of(those: list[_Reader]) -> _Reader:
    return those[0] if len(those) == 1 else lambda element: (href for reader in those for href in reader(element))


def _attribute(name: str) -> _Reader:
    def read(element: turbohtml.Element) -> _Found:
        yield element.attr(name)

    return read


def _srcset(element: turbohtml.Element) -> _Found:
    return iter(srcset_urls(element.attr("srcset") or ""))


def _source(element: turbohtml.Element) -> _Found:
    """Yields the `src` of a `<source>`, which counts only in audio and video."""
    parent = element.parent
    if isinstance(parent, turbohtml.Element) and parent.tag in {"audio", "video"}:
        yield element.attr("src")


def _image_button(element: turbohtml.Element) -> _Found:
    if (element.attr("type") or "").lower() == "image":
        yield element.attr("src")


def _svg_image(element: turbohtml.Element) -> _Found:
    yield element.attr("href") or element.attr("xlink:href")


def _action(element: turbohtml.Element) -> _Found:
    """Yields the target of a form that only asks for a page. Forms that send data are never followed."""
    if (element.attr("method") or "").lower() not in {"post", "dialog"}:
        yield element.attr("action")


_READERS: tuple[tuple[str, str, _Reader], ...] = (
    ("frames", "frame", _attribute("src")),
    ("frames", "iframe", _attribute("src")),
    ("images", "img", _attribute("src")),
    ("images", "img", _srcset),
    ("images", "source", _srcset),
    ("images", "input", _image_button),
    ("images", "video", _attribute("poster")),
    ("images", "body", _attribute("background")),
    ("images", "image", _svg_image),
    ("media", "video", _attribute("src")),
    ("media", "audio", _attribute("src")),
    ("media", "source", _source),
    ("media", "track", _attribute("src")),
    ("media", "embed", _attribute("src")),
    ("media", "object", _attribute("data")),
    ("scripts", "script", _attribute("src")),
    ("forms", "form", _action),
)
