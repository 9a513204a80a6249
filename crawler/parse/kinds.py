"""Finds the kind of a body by its Content-Type and its first bytes, largely as in WHATWG MIME Sniffing."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["html", "sitemap", "feed", "text", "pdf", "other"]

_LOOK = 4096
"""Bytes that are checked: enough to get past a licence in a comment."""
HTML = {"text/html", "application/xhtml+xml"}
_XML = {"text/xml", "application/xml"}
_UNKNOWN = {"", "*/*", "application/unknown", "unknown/unknown"}
"""Types that the standard counts as no type at all."""
_VAGUE = _UNKNOWN | {"application/octet-stream", "binary/octet-stream"}
"""Types that servers send when unsure. The standard trusts them; we check the bytes for HTML or a sitemap."""
_CODE = {"text/css", "text/javascript", "text/ecmascript"}
_ROOTS: dict[str, Kind] = {"urlset": "sitemap", "sitemapindex": "sitemap", "rss": "feed", "feed": "feed", "rdf": "feed"}
_TAGS = {"a", "b", "base", "body", "br", "div", "font", "h1", "head", "html", "iframe", "link", "meta", "p", "script"}
_TAGS |= {"style", "table", "title"}
"""Tags that an HTML body without a type begins with, by the standard."""
_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->"
    rb"|<!doctype\s+[a-z][^>\[]*(?:\[(?:[^\]\"'<]++|\"[^\"]*+\"|'[^']*+'|<!--.*?-->|<(?!!--))*+\]\s*+)?>)*+"
    rb"(?:<(?:[\w.-]+:)?(?P<tag>[a-z][\w.-]*)|<!doctype\s+(?:[\w.-]+:)?(?P<doctype>[a-z][\w.-]*+)[^>\[]*\[)",
    re.IGNORECASE | re.DOTALL,
)
"""Matches up to the first tag, or to declarations in a document type that do not end where we look."""
_HTML_BEGINS = re.compile(rb"[\t\n\x0c\r ]*+<!(?:doctype html[ >]|--)", re.IGNORECASE)
_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]++/[!#$%&'*+.^_`|~0-9a-z-]++")
_ANY_TAG = re.compile(rb"</?(?:%s)[\t\n\x0c\r />]" % b"|".join(sorted(tag.encode() for tag in _TAGS)), re.IGNORECASE)
_BINARY = bytes({*range(0x20)} - {*b"\t\n\x0c\r\x1b"})
"""Bytes that do not occur in text of an ASCII-like charset: the standard's binary data bytes."""
ENDINGS = {
    "text/html": "html htm", "application/xhtml+xml": "xhtml", "text/css": "css", "text/javascript": "js mjs",
    "application/javascript": "js mjs", "application/x-javascript": "js mjs", "text/plain": "txt text md csv log",
    "image/png": "png", "image/jpeg": "jpg jpeg", "image/gif": "gif", "image/webp": "webp", "image/avif": "avif",
    "image/svg+xml": "svg", "image/x-icon": "ico", "image/vnd.microsoft.icon": "ico", "image/bmp": "bmp",
    "font/woff2": "woff2", "font/woff": "woff", "font/ttf": "ttf", "font/otf": "otf", "application/font-woff": "woff",
    "application/font-woff2": "woff2", "application/x-font-woff": "woff", "application/pdf": "pdf",
    "application/json": "json", "application/manifest+json": "webmanifest json", "text/xml": "xml",
    "application/xml": "xml", "application/rss+xml": "xml rss", "application/atom+xml": "xml atom",
    "audio/mpeg": "mp3", "audio/ogg": "ogg oga", "video/mp4": "mp4 m4v", "video/webm": "webm", "video/ogg": "ogv",
    "text/vtt": "vtt", "application/zip": "zip", "application/wasm": "wasm", "text/csv": "csv",
}  # fmt: skip
"""The endings by which browsers know a type without a header; the first is given to names that have none of them."""
_SHOWN = (
    (b"%PDF-", "application/pdf"), (b"\x89PNG\r\n", "image/png"), (b"GIF8", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
)  # fmt: skip
"""Signatures of types that a vague Content-Type hides."""
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


@lru_cache(maxsize=64)
def essence(content_type: str) -> str:
    """Returns `text/html` for `Text/HTML; charset=utf-8`; empty for an invalid type."""
    claimed = content_type.partition(";")[0].strip("\t\n\r ").lower()
    return claimed if _TYPE.fullmatch(claimed) else ""


def is_xml(content_type: str) -> bool:
    """Whether this is an XML type in MIME Sniffing. An HTML document of such a type is XHTML."""
    claimed = essence(content_type)
    return claimed in _XML or claimed.endswith("+xml")


def kind(content_type: str, body: bytes) -> Kind:
    """Returns the kind of a decoded body. Bodies of kind `other` are not read further."""
    claimed, head = essence(content_type), _head(body)
    if claimed in HTML or claimed in _VAGUE or claimed == "text/plain" or is_xml(claimed):
        begun = _ROOT.match(head)
        root = (begun["tag"] or begun["doctype"]).decode().lower() if begun else ""
        if root in _ROOTS:
            return _ROOTS[root]
        if claimed in HTML:
            return "html" if root or not _is_binary(head) or _is_soup(head) else "other"
        if claimed in _VAGUE and (root in _TAGS or _HTML_BEGINS.match(head)):
            return "html"
        if root == "html" and claimed != "text/plain":
            return "html"
    is_text = claimed.startswith("text/") and claimed not in _CODE and claimed not in _XML
    return "text" if (is_text or claimed in _UNKNOWN) and not _is_binary(head) else "other"


def is_pdf(body: bytes) -> bool:
    """Whether these bytes begin like a PDF file; some have something before it."""
    return b"%PDF-" in body[:1024]


def media_type(content_type: str, body: bytes) -> str:
    """Returns the media type that a body is shown as: HTML as `kind` finds it; a vague type gives way to the bytes."""
    claimed = essence(content_type)
    if kind(content_type, body) == "html":
        return claimed if claimed in HTML else "text/html"
    if claimed in _VAGUE:
        return next((name for sign, name in _SHOWN if body.startswith(sign)), claimed or "application/octet-stream")
    return claimed


def may_hold_gzip(content_type: str) -> bool:
    """Whether a body that begins like gzip may be a packed sitemap rather than a download."""
    claimed = essence(content_type)
    return claimed in _XML or claimed in _VAGUE or claimed in {"application/gzip", "application/x-gzip", "text/plain"}


def _head(body: bytes) -> bytes:
    """Returns the beginning. Marked UTF-16 is made ASCII-like, so that tags can be found in it."""
    head = body[:_LOOK]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head[2:].replace(b"\0", b"")
    return head.replace(b"\0", b"") if head.startswith((b"<\0?\0x\0", b"\0<\0?\0x")) else head


def _is_binary(head: bytes) -> bool:
    return head.startswith(_SIGNATURES) or len(head.translate(None, _BINARY)) < len(head)


def _is_soup(head: bytes) -> bool:
    """Whether this is HTML with a few wrong bytes: it has a tag, no signature, and hardly any binary data."""
    binary = len(head) - len(head.translate(None, _BINARY))
    return not head.startswith(_SIGNATURES) and binary * 16 < len(head) and bool(_ANY_TAG.search(head))
