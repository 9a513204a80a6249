"""Prepares hrefs of documents in legacy encodings: non-ASCII text in a query is sent in the document's encoding.

Standards: WHATWG URL (query state, percent-encode after encoding), WHATWG Encoding (encoders).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import product

from .charset import decode

_UNICODE = {"", "utf-8", "utf-16le", "utf-16be", "replacement"}
"""Documents in these encodings send UTF-8."""
_PAIRS: dict[str, tuple[Iterable[int], Iterable[int]]] = {
    "big5": (range(0xA1, 0xFF), range(0x40, 0xFF)),
    "euc-jp": (range(0xA1, 0xFF), range(0xA1, 0xFF)),
    "euc-kr": (range(0x81, 0xFF), range(0x41, 0xFF)),
    "gb18030": (range(0x81, 0xFF), range(0x40, 0xFF)),
    "gbk": (range(0x81, 0xFF), range(0x40, 0xFF)),
    "shift_jis": ({*range(0x81, 0xA0), *range(0xE0, 0xFD)} - {0xED, 0xEE}, range(0x40, 0xFD)),
}
"""First and second bytes that an encoder may write. Decoders accept more."""
_LAST = {"big5": "═╞╡╪十卅"}
"""Characters with several pairs of bytes whose last pair is written. For all others the first is."""
_JAPANESE = {"euc-jp", "shift_jis"}
_ALIKE = {"\N{YEN SIGN}": b"\\", "\N{OVERLINE}": b"~"}
"""Characters that Japanese encodings have in the place of two characters of ASCII."""
_RUN = re.compile(r"[^\0-\x7f]+")
_KEPT = frozenset(range(0x21, 0x7F)) - frozenset(b"\"#<>'")
"""ASCII bytes that are not percent-encoded in a query. The second byte of a character may be ASCII."""
_KEPT_OF_REFERENCES = _KEPT - frozenset(b"&;")


def encode_hrefs(hrefs: list[str], charset: str) -> list[str]:
    """Returns the hrefs, ready to be resolved as if the document were in UTF-8."""
    if charset in _UNICODE:
        return hrefs
    return [href if href.isascii() else _encode(href, charset) for href in hrefs]


def _encode(href: str, charset: str) -> str:
    before, mark, fragment = href.partition("#")
    path, question, query = before.partition("?")
    return f"{path}{question}{_RUN.sub(lambda run: _percent(run[0], charset), query)}{mark}{fragment}"


def _percent(text: str, charset: str) -> str:
    """Percent-encodes a text. As in browsers, a character without bytes in the encoding becomes an HTML reference."""
    if charset == "iso-2022-jp":  # the only encoding with states
        return _escape(text.encode("iso2022_jp", "xmlcharrefreplace"), _KEPT_OF_REFERENCES)
    known = _bytes_of(charset)
    return "".join(_escape(known[char]) if char in known else _encode_unknown(char, charset) for char in text)


def _encode_unknown(char: str, charset: str) -> str:
    return _escape(char.encode("gb18030", "replace")) if charset == "gb18030" else f"%26%23{ord(char)}%3B"


def _escape(data: bytes, kept: frozenset[int] = _KEPT) -> str:
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in data)


@lru_cache(maxsize=64)
def _bytes_of(charset: str) -> dict[str, bytes]:
    """Returns the bytes of each non-ASCII character, by trying the decoder. Takes up to 30 ms, once an encoding."""
    leads, trails = _PAIRS.get(charset, ((), ()))
    singles = [bytes([byte]) for byte in range(0x80, 0x100) if charset != "gb18030"]
    if charset == "euc-jp":
        singles = [b"\x8e" + byte for byte in singles]
    known = dict(_ALIKE) if charset in _JAPANESE else {}
    last = _LAST.get(charset, "")
    for data in (*singles, *(bytes(pair) for pair in product(sorted(leads), trails))):
        char = decode(data, charset)
        if len(char) == 1 and char != "\ufffd" and (char not in known or char in last):
            known[char] = data
    if charset in _JAPANESE:
        known["\N{MINUS SIGN}"] = known["\N{FULLWIDTH HYPHEN-MINUS}"]
    return known
