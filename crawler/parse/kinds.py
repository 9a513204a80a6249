"""What a body is, by its Content-Type and by a look at how it begins. After WHATWG MIME Sniffing, where it matters."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["html", "sitemap", "feed", "text", "other"]

_LOOK = 4096
"""Bytes looked at: enough to get past a licence in a comment."""
_HTML = {"text/html", "application/xhtml+xml"}
_XML = {"text/xml", "application/xml"}
_UNKNOWN = {"", "*/*", "application/unknown", "unknown/unknown"}
"""What the standard takes for no type at all."""
_VAGUE = _UNKNOWN | {"application/octet-stream", "binary/octet-stream"}
"""What servers say who do not know; the standard believes them, and we look whether it is HTML or a sitemap."""
_CODE = {"text/css", "text/javascript", "text/ecmascript"}
_ROOTS: dict[str, Kind] = {"urlset": "sitemap", "sitemapindex": "sitemap", "rss": "feed", "feed": "feed", "rdf": "feed"}
_TAGS = {"a", "b", "base", "body", "br", "div", "font", "h1", "head", "html", "iframe", "link", "meta", "p", "script"}
_TAGS |= {"style", "table", "title"}
"""What an undeclared body begins with if it is HTML, by the standard."""
_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->|<!doctype\s+(?P<doctype>[a-z]+)[^>]*>)*+<(?:[\w.-]+:)?(?P<tag>[a-z][\w.-]*)",
    re.IGNORECASE | re.DOTALL,
)
_HTML_BEGINS = re.compile(rb"[\t\n\x0c\r ]*+<!(?:doctype html[ >]|--)", re.IGNORECASE)
_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]++/[!#$%&'*+.^_`|~0-9a-z-]++")
_ANY_TAG = re.compile(rb"</?(?:%s)[\t\n\x0c\r />]" % b"|".join(sorted(tag.encode() for tag in _TAGS)), re.IGNORECASE)
_BINARY = bytes({*range(0x20)} - {*b"\t\n\x0c\r\x1b"})
"""Bytes that no text in an ASCII-like charset holds: the standard's binary data bytes."""
_SIGNATURES = (
    b"%PDF-",
    b"%!PS-Adobe-",
    b"\x89PNG\r\n",
    b"GIF8",
    b"\xff\xd8\xff",
    b"RIFF",
    b"OggS",
    b"ID3",
    b"PK\x03\x04",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"\x7fELF",
    b"wOFF",
    b"wOF2",
)


def essence(content_type: str) -> str:
    """`text/html` of `Text/HTML; charset=utf-8`; empty for what is no type."""
    claimed = content_type.partition(";")[0].strip("\t\n\r ").lower()
    return claimed if _TYPE.fullmatch(claimed) else ""


def is_xml(content_type: str) -> bool:
    """Whether that is an XML type, by MIME Sniffing: an HTML document of such a type is XHTML."""
    claimed = essence(content_type)
    return claimed in _XML or claimed.endswith("+xml")


def kind(content_type: str, body: bytes) -> Kind:
    """What to read a decoded body as. `other` is never read further."""
    claimed, head = essence(content_type), _head(body)
    if claimed in _HTML or claimed in _VAGUE or claimed == "text/plain" or is_xml(claimed):
        begun = _ROOT.match(head)
        root = begun["tag"].decode().lower() if begun else ""
        if root in _ROOTS:
            return _ROOTS[root]
        if claimed in _HTML:
            return "html" if root or not _is_binary(head) or _is_soup(head) else "other"
        if claimed in _VAGUE and (root in _TAGS or _HTML_BEGINS.match(head)):
            return "html"
        if root == "html" and claimed != "text/plain":
            return "html"
    is_text = claimed.startswith("text/") and claimed not in _CODE and claimed not in _XML
    return "text" if (is_text or claimed in _UNKNOWN) and not _is_binary(head) else "other"


def may_hold_gzip(content_type: str) -> bool:
    """Whether a body that begins like gzip may be a sitemap in a file of its own, rather than a download."""
    claimed = essence(content_type)
    return claimed in _XML or claimed in _VAGUE or claimed in {"application/gzip", "application/x-gzip", "text/plain"}


def _head(body: bytes) -> bytes:
    """The beginning, with UTF-16 that says so brought near enough to ASCII to find a tag in it."""
    head = body[:_LOOK]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head[2:].replace(b"\0", b"")
    return head.replace(b"\0", b"") if head.startswith((b"<\0?\0x\0", b"\0<\0?\0x")) else head


def _is_binary(head: bytes) -> bool:
    return head.startswith(_SIGNATURES) or len(head.translate(None, _BINARY)) < len(head)


def _is_soup(head: bytes) -> bool:
    """Whether that is HTML with a few bytes gone wrong: there is a tag, no signature, and hardly any binary data."""
    binary = len(head) - len(head.translate(None, _BINARY))
    return not head.startswith(_SIGNATURES) and binary * 16 < len(head) and bool(_ANY_TAG.search(head))
