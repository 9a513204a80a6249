"""Hrefs of documents in legacy encodings: what is not ASCII in their query goes out in the document's own encoding.

Standards: WHATWG URL (query state, percent-encode after encoding), WHATWG Encoding (encoders).
"""

from __future__ import annotations

import re
from functools import lru_cache

from .charset import decode

_UNICODE = {"", "utf-8", "utf-16le", "utf-16be", "replacement"}
"""Documents in these send UTF-8."""
_MULTIBYTE = {
    "big5": "big5hkscs",
    "euc-jp": "euc_jp",
    "euc-kr": "cp949",
    "gb18030": "gb18030",
    "gbk": "gbk",
    "iso-2022-jp": "iso2022_jp",
    "shift_jis": "cp932",
}
"""What Python calls them. All other encodings have one byte a character: their decoders, read backwards, are exact."""
_RUN = re.compile(r"[^\0-\x7f]+")
_KEPT = frozenset(range(0x21, 0x7F)) - frozenset(b"\"#<>'")
"""The second byte of a character may be ASCII: these stand for themselves in a query."""
_KEPT_OF_REFERENCES = _KEPT - frozenset(b"&;")


def encoded(hrefs: list[str], charset: str) -> list[str]:
    """The same hrefs, ready to be resolved as if the document were in UTF-8."""
    if charset in _UNICODE:
        return hrefs
    return [href if href.isascii() else _encoded(href, charset) for href in hrefs]


def _encoded(href: str, charset: str) -> str:
    before, mark, fragment = href.partition("#")
    path, question, query = before.partition("?")
    return f"{path}{question}{_RUN.sub(lambda run: _percent(run[0], charset), query)}{mark}{fragment}"


def _percent(text: str, charset: str) -> str:
    """What an encoding has no bytes for goes out as an HTML character reference: that is how the web grew."""
    if codec := _MULTIBYTE.get(charset):
        try:
            return _written(text.encode(codec))
        except UnicodeEncodeError:
            return _written(text.encode(codec, "xmlcharrefreplace"), _KEPT_OF_REFERENCES)
    known = _single_bytes(charset)
    return "".join(f"%{known[char]:02X}" if char in known else f"%26%23{ord(char)}%3B" for char in text)


def _written(data: bytes, kept: frozenset[int] = _KEPT) -> str:
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in data)


@lru_cache(maxsize=64)
def _single_bytes(charset: str) -> dict[str, int]:
    """Character -> byte, for what is not ASCII."""
    chars = {decode(bytes([byte]), charset): byte for byte in range(0x80, 0x100)}
    chars.pop("\ufffd", None)
    return chars
