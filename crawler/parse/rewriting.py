"""Rewrites the links of HTML, XHTML and style sheets, for copies that are read without the network.

A document is parsed as by a browser that runs scripts, so that it looks in the copy as it does live. What would keep
the copy from being shown is removed: `<base>`, digests and policies that were made for the live site.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import turbohtml

from .. import urls
from . import charset as charsets
from . import html, kinds, legacy, styles
from .microsyntax import replace_in_refresh, replace_in_srcset

Find: TypeAlias = Callable[[str], str | None]
"""Returns the place of an absolute URL in the copy, as a relative link; None: it is not in the copy."""
TREE_BYTES = 512 << 20
"""Most memory for the tree of one document. A larger document is not rewritten."""
_DEEPEST = 3
"""Documents within documents: `srcdoc` and `<noscript>`."""
_BLANK = "\t\n\f\r "
_LINKS: tuple[str, ...] = (
    "href",
    "xlink:href",
    "src",
    "lowsrc",
    "poster",
    "background",
    "action",
    "formaction",
    "cite",
    "longdesc",
)
_SETS: tuple[str, ...] = ("srcset", "imagesrcset")
_LAZY = frozenset(("img", "source", "video", "audio"))
"""Tags whose `data-src` and `data-srcset` are links for a script."""
_REMOVED = ("integrity", "crossorigin", "nonce", "ping")
"""A digest of bytes that were rewritten; files have no origin that could be crossed; nobody is told of clicks."""
_KEPT_RELATIONS = frozenset(("canonical", "preconnect", "dns-prefetch"))
_POLICIES = frozenset(("content-security-policy", "content-security-policy-report-only", "content-type"))


def rewrite_html(body: bytes, content_type: str, url: str, find: Find) -> bytes | None:
    """Returns the document in UTF-8, with its links as `find` has them; other links are absolute.

    None: its tree would be too large.
    """
    if html.is_too_large(body, TREE_BYTES):
        return None
    label = charsets.label(content_type)
    if kinds.is_xml(content_type) and (tree := html.parse_xml_only(body, label)):
        document, charset = tree
        _Rewriter(document, url, charset, find).rewrite()
        return document.inner_xml.encode("utf-8", "xmlcharrefreplace")
    document, charset = html.parse_as_shown(body, label)
    _Rewriter(document, url, charset, find).rewrite()
    if (head := document.select_one("head")) is not None:
        head.insert(0, turbohtml.Element("meta", {"charset": "utf-8"}))
    return "".join(map(_write, document.children)).encode("utf-8", "xmlcharrefreplace")


def is_xhtml(body: bytes, content_type: str) -> bool:
    """Whether `rewrite_html` returns XML for this document."""
    if not kinds.is_xml(content_type) or html.is_too_large(body, TREE_BYTES):
        return False
    return html.parse_xml_only(body, charsets.label(content_type)) is not None


def rewrite_css(body: bytes, content_type: str, url: str, find: Find) -> bytes:
    """Returns the style sheet in UTF-8, with its links as `find` has them; other links are absolute."""
    text = styles.decode(body, charsets.label(content_type))
    if text.startswith("@charset"):
        text = text.partition(";")[2]
    text = styles.replace_urls(text, _Placer(url, url, "utf-8", find))
    mark = "" if text.isascii() else '@charset "utf-8";'
    return f"{mark}{text}".encode("utf-8", "replace")


def write_as_utf8(body: bytes, content_type: str) -> bytes:
    """Returns a text that says its encoding itself, by a byte order mark, since a file has no header for that."""
    if body.isascii():
        return body
    text = charsets.decode(body, charsets.of_text(body, charsets.label(content_type)))
    return b"\xef\xbb\xbf" + text.encode("utf-8", "replace")


class _Placer:
    """Turns a link as written into the one of the copy."""

    def __init__(self, base: str, own: str, charset: str, find: Find) -> None:
        self._resolve = urls.make_resolver(base)
        self._is_own = base == own
        self._charset = charset
        self._find = find

    def __call__(self, href: str) -> str:
        written = href.strip(_BLANK)
        if self._is_own and (not written or written.startswith("#")):
            return href
        url = self._resolve(legacy.encode_hrefs([written], self._charset)[0])
        if not url:
            return href
        _, mark, fragment = written.partition("#")
        found = self._find(url)
        return f"{url if found is None else found}{mark}{fragment}"

    def keep(self, href: str) -> str:
        """Returns the link as an absolute one."""
        return self._resolve(href.strip(_BLANK)) or href


class _Rewriter:
    """Rewrites one tree."""

    def __init__(self, root: turbohtml.Node, url: str, charset: str, find: Find, depth: int = 0) -> None:
        self._root, self._url, self._charset, self._find, self._depth = root, url, charset, find, depth
        self._place = _Placer(self._take_base() if isinstance(root, turbohtml.Document) else url, url, charset, find)

    def rewrite(self) -> None:
        """Rewrites all links of the tree, and removes what would keep the copy from being shown."""
        for element in self._root.select("*"):
            tag, attributes = element.tag.lower(), element.attrs
            if tag == "meta" and self._change_meta(element):
                continue
            if len(attributes):
                self._change_attributes(element, tag)
            if tag == "style":
                _change_text(element, lambda text: styles.replace_urls(text, self._place))
            elif tag == "noscript" and self._depth < _DEEPEST:
                _change_text(element, self._rewrite_fragment)

    def _take_base(self) -> str:
        """Returns the base of links, and removes it from the document; only its `target` stays."""
        base = ""
        for element in self._root.select("base[href]"):
            base = base or urls.resolve_base(self._url, element.attr("href") or "")
            del element.attrs["href"]
            if not len(element.attrs):
                element.decompose()
        return base or self._url

    def _change_meta(self, element: turbohtml.Element) -> bool:
        """Changes a `<meta>` that is about the whole document; returns whether it was removed."""
        equivalent = (element.attr("http-equiv") or "").strip().lower()
        if equivalent in _POLICIES or element.attr("charset") is not None:
            element.decompose()
            return True
        if equivalent == "refresh" and (content := element.attr("content")):
            element.attrs["content"] = replace_in_refresh(content, self._place)
        return False

    def _change_attributes(self, element: turbohtml.Element, tag: str) -> None:
        attributes = element.attrs
        names = set(attributes)
        for name in names.intersection(_REMOVED):
            del attributes[name]
        keeps = tag == "link" and not _KEPT_RELATIONS.isdisjoint((element.attr("rel") or "").lower().split())
        change = self._place.keep if keeps else self._place
        links, sets = (*_LINKS, "data") if tag == "object" else _LINKS, _SETS
        if tag in _LAZY:
            links, sets = (*_LINKS, "data-src"), (*_SETS, "data-srcset")
        for name in names.intersection(links):
            attributes[name] = change(element.attr(name) or "")
        for name in names.intersection(sets):
            attributes[name] = replace_in_srcset(element.attr(name) or "", self._place)
        if "style" in names:
            attributes["style"] = styles.replace_urls(element.attr("style") or "", self._place)
        if "srcdoc" in names and self._depth < _DEEPEST:
            attributes["srcdoc"] = self._rewrite_inner(element.attr("srcdoc") or "")
        if "charset" in names and tag in {"script", "link"}:
            del attributes["charset"]

    def _rewrite_fragment(self, text: str) -> str:
        """Rewrites the content of `<noscript>`, which is text where scripts run."""
        root = turbohtml.parse_fragment(text, "div", positions=False, allow_declarative_shadow_roots=False)
        self._inside(root).rewrite()
        return root.inner_html

    def _rewrite_inner(self, text: str) -> str:
        document = turbohtml.parse(text, scripting=True, positions=False, allow_declarative_shadow_roots=False)
        self._inside(document).rewrite()
        return "".join(map(_write, document.children))

    def _inside(self, root: turbohtml.Node) -> _Rewriter:
        """Returns a rewriter for a part of the document: links have the same base."""
        inner = _Rewriter(root, self._url, self._charset, self._find, self._depth + 1)
        inner._place = self._place
        return inner


def _change_text(element: turbohtml.Element, change: Callable[[str], str]) -> None:
    for child in element.children:
        if isinstance(child, turbohtml.Text):
            child.data = change(child.data)


def _write(node: turbohtml.Node) -> str:
    """Returns the text of a node. A document type has its identifiers: browsers lay out pages by them."""
    if not isinstance(node, turbohtml.Doctype) or not (node.public_id or node.system_id):
        return node.html
    public, system = (text.replace('"', "") for text in (node.public_id or "", node.system_id or ""))
    public = f' PUBLIC "{public}"' if public else " SYSTEM"
    system = f' "{system}"' if system else ""
    return f"<!DOCTYPE {node.name}{public}{system}>"
