"""Lists what a document needs to be shown: images, styles, scripts, fonts, media, frames. Standard: WHATWG HTML.

It is what a browser without scripts may load by itself, and the images that pages keep for a script to show later
(`data-src`). What scripts load otherwise, and links that a person follows, are not among it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import orjson
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
_LAZY = frozenset({"img", "source", "video", "audio"})
"""Tags whose `data-src` and `data-srcset` a script shows later. Browsertrix fetches these, too."""
_DEEPEST = 3
"""Documents within documents (`srcdoc`)."""
_LONGEST_INNER = 1 << 20
"""Characters of such a document. Its tree is not part of the estimate for the page, and takes 60 MB at most."""
_TAGS = (*_ATTRIBUTES, "feImage", "input", "link", "style")
_NAMES = ("url", "src", "image-set", "import", "\\")
"""A style without any of these names no URL."""


def is_needed(relations: Iterable[str]) -> bool:
    """Returns whether a page needs the target of a link with these relations, in lower case."""
    return not _RELATIONS.isdisjoint(relations)


def find(document: turbohtml.Document, charset: str) -> list[str]:
    """Returns the URLs as written, in document order but for those in `style` attributes, which come last."""
    found = dict.fromkeys(url for url in _of_document(document, 0) if _is_reference(url))
    return legacy.encode_hrefs(list(found), charset)


def find_in_svg(body: bytes) -> list[str]:
    """Returns the URLs that an SVG file names, as written: it may stand in a frame, where they are loaded."""
    return find(turbohtml.parse(body, encoding="utf-8", positions=False), "utf-8")


def find_in_manifest(body: bytes) -> list[str]:
    """Returns the URLs of the icons in a web app manifest (W3C), as written; none if it is not one."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    icons = said.get("icons") if isinstance(said, dict) else None
    found = [icon.get("src") for icon in icons if isinstance(icon, dict)] if isinstance(icons, list) else []
    return list(dict.fromkeys(url for url in found if isinstance(url, str) and _is_reference(url)))


def _of_document(document: turbohtml.Document, depth: int) -> Iterator[str]:
    for element in document.iter_elements(_TAGS):
        srcdoc = element.attr("srcdoc") if element.tag == "iframe" else None
        yield from _of_element(element) if srcdoc is None else _of_frame(srcdoc, depth + 1)
    for element in document.select("[style]"):
        yield from _of_style(element.attr("style") or "")


def _of_frame(text: str, depth: int) -> Iterator[str]:
    """Yields the URLs of a document in an attribute. They are relative to the page, unless it has a `<base>`."""
    if depth > _DEEPEST or len(text) > _LONGEST_INNER:
        return
    document = turbohtml.parse(text, positions=False, allow_declarative_shadow_roots=False)
    if document.select_one("base[href]") is None:
        yield from _of_document(document, depth)


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
        if tag in _LAZY:
            yield element.attr("data-src") or ""
            yield from srcset_urls(element.attr("data-srcset") or "")


def _of_attributes(element: turbohtml.Element, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if value := element.attr(name):
            yield value


def _of_style(text: str) -> Iterator[str]:
    lowered = text.lower()
    return styles.find_urls(text) if any(name in lowered for name in _NAMES) else iter(())
