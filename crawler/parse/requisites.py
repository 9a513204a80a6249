"""Lists what a document needs to be shown: images, styles, scripts, fonts, media, frames. Standard: WHATWG HTML.

It is what a browser without scripts may load by itself. What scripts load, and links that a person follows, are not
among it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import turbohtml

from . import legacy, styles
from .microsyntax import srcset_urls

_RELATIONS = frozenset({
    "stylesheet", "icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon", "manifest", "preload",
    "modulepreload",
})  # fmt: skip
_ATTRIBUTES = {
    "img": ("src", "lowsrc"),
    "script": ("src", "href", "xlink:href"),
    "iframe": ("src",),
    "frame": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "audio": ("src",),
    "video": ("src", "poster"),
    "source": ("src",),
    "track": ("src",),
    "body": ("background",),
    "table": ("background",),
    "td": ("background",),
    "th": ("background",),
    "tr": ("background",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
    "feimage": ("href", "xlink:href"),
}
"""The attributes of each tag that hold one URL."""
_OF_SVG = frozenset({"image", "use", "feimage"})
_RESPONSIVE = frozenset({"img", "source"})
_TAGS = (*_ATTRIBUTES, "feImage", "input", "link", "style")
_NAMES = ("url", "src", "image-set", "import", "\\")
"""A style without any of these names no URL."""


def is_needed(relations: Iterable[str]) -> bool:
    """Returns whether a page needs the target of a link with these relations, in lower case."""
    return not _RELATIONS.isdisjoint(relations)


def find(document: turbohtml.Document, charset: str) -> list[str]:
    """Returns the URLs as written, in document order but for those in `style` attributes, which come last."""
    found: list[str] = []
    for element in document.iter_elements(_TAGS):
        found += _of_element(element)
    for element in document.select("[style]"):
        found += _of_style(element.attr("style") or "")
    return legacy.encode_hrefs(list(dict.fromkeys(url for url in found if _is_reference(url))), charset)


def _is_reference(url: str) -> bool:
    """Returns whether a URL may lead to another document: it is no fragment, and not its own data."""
    return bool(url) and not url.lstrip().startswith("#") and url.lstrip()[:5].lower() != "data:"


def _of_element(element: turbohtml.Element) -> Iterator[str]:
    tag = element.tag.lower()
    is_html = element.namespace is turbohtml.Namespace.HTML
    if tag == "style":
        yield from _of_style(element.text)
    elif not is_html and tag not in _OF_SVG and tag != "script":
        return
    elif tag == "link":
        if is_needed((element.attr("rel") or "").lower().split()):
            yield element.attr("href") or ""
            yield from srcset_urls(element.attr("imagesrcset") or "")
    elif tag == "input":
        if (element.attr("type") or "").lower() == "image":
            yield element.attr("src") or ""
    else:
        yield from _of_attributes(element, _ATTRIBUTES[tag])
        if tag in _RESPONSIVE:
            yield from srcset_urls(element.attr("srcset") or "")


def _of_attributes(element: turbohtml.Element, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if value := element.attr(name):
            yield value


def _of_style(text: str) -> Iterator[str]:
    lowered = text.lower()
    return styles.find_urls(text) if any(name in lowered for name in _NAMES) else iter(())
