"""Which characters the bytes stand for. Standard: WHATWG Encoding; names are its names in lower case."""

from __future__ import annotations

import re

import turbohtml
from turbohtml.detect import detect

_LABEL = re.compile(r"""charset\s*=\s*["']?\s*([^\s;"',]+)""", re.IGNORECASE)
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be"))


def label(content_type: str) -> str:
    """The charset that a Content-Type header names, as written; empty if none."""
    found = _LABEL.search(content_type)
    return found[1] if found else ""


def sniff(body: bytes, label: str) -> str:
    """The charset of text that cannot name its own: byte order mark, then header, then what the bytes look like."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return name
    return _named(label) or (detect(body).encoding or "utf-8").lower()


def decode(body: bytes, charset: str) -> str:
    """The body as text, without byte order mark; never fails."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    try:
        return body.decode(f"whatwg-{charset or 'utf-8'}")  # a codec of turbohtml.detect
    except LookupError:
        return body.decode("utf-8", "replace")


def _named(label: str) -> str:
    """The encoding that a label stands for; empty if the standard knows none."""
    try:
        return (turbohtml.parse(b"", encoding=label).encoding or "").lower() if label else ""
    except LookupError:
        return ""
