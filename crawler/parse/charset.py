"""Finds the encoding of a body and decodes it.

Standards: WHATWG Encoding, MIME Sniffing (parameters), XML 1.0 and RFC 7303. Encodings have their WHATWG names in lower
case; a label that is not in the standard's table counts as none. Where nothing declares an encoding and the bytes are
no UTF-8, it is guessed from the frequency of letters.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

import turbohtml
import turbohtml.detect  # registers the whatwg-* codecs

__all__ = ["decode", "decode_in_pieces", "find_encoding", "guess", "html_label", "label"]
__all__ += ["of_text", "of_xml", "xml_declared"]

_PARAMETER = re.compile(
    r";[\t\n\r ]*+(?:(?P<name>[^;=]*+)=)?(?:(?P<quoted>\"(?:[^\"\\]++|\\.)*+(?:\"|\\?$))[^;]*+|(?P<plain>[^;]*+))",
    re.DOTALL,
)
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]++")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be"))
_UNMARKED = ((b"<\0?\0x\0", "utf-16le"), (b"\0<\0?\0x", "utf-16be"))
"""The beginnings of an XML declaration in UTF-16 without a byte order mark."""
_LOOK = 1024
"""Bytes at the beginning that may declare an encoding."""
_DECLARATION = re.compile(
    rb"<\?xml(?=[\t\n\r ])[^>]*?[\t\n\r ]encoding[\t\n\r ]*=[\t\n\r ]*(?:\"([^\">]*)\"|'([^'>]*)')", re.DOTALL
)
_FALLBACKS = ("utf-8", "windows-1252")
"""Encodings that the parser chooses for HTML without any declaration."""
_SAMPLE = 1 << 14
"""Bytes from which an encoding is guessed, 3 ms at most. From four times as many, no more guesses are right."""
_BEFORE = 64
"""ASCII bytes before the first other one that belong to the sample: the detector looks at pairs of letters."""
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_BLANKED = bytes.maketrans(b"<", b" ")
"""Without `<` the detector finds no `<meta>`: what may declare an encoding is decided elsewhere."""
_FLOOR, _FLOOR_OF_FEW = 0.2, 0.5
"""Confidence that a guess needs. The detector shares it among similar encodings, so right guesses may have little."""
_FEW = 16
"""Fewer bytes beyond ASCII than this are little evidence, and need _FLOOR_OF_FEW."""
_GOOD_PER_BAD = 8
"""Characters of UTF-8 for each faulty one, in a text that is UTF-8 with a few faults or that was cut short."""


@lru_cache(maxsize=64)
def label(content_type: str) -> str:
    """Returns the charset in a Content-Type header, as written; empty if there is none."""
    at = content_type.find(";")
    while at >= 0 and (found := _PARAMETER.match(content_type, at)):
        at = found.end() if found.end() < len(content_type) else -1
        name, quoted, plain = found["name"], found["quoted"], found["plain"]
        if not name or name.lower() != "charset":
            continue
        value = _QUOTED_PAIR.sub(r"\1", quoted[1:].removesuffix('"')) if quoted is not None else plain.rstrip("\t\n\r ")
        if _VALUE.fullmatch(value):
            return value
    return ""


@lru_cache(maxsize=1024)
def find_encoding(label: str) -> str:
    """Returns the encoding that a label stands for; empty if the standard has none."""
    try:
        return (turbohtml.parse(b"", encoding=label).encoding or "").lower() if label else ""
    except LookupError:
        return ""


def html_label(body: bytes, label: str) -> str:
    """Returns the encoding to give to an HTML parser. It finds byte order mark, `<meta>` and typical bytes by itself.

    An XML declaration counts if nothing else declares an encoding (WHATWG HTML, prescan).
    """
    if find_encoding(label):
        return label
    if not body.startswith((b"<?xml", b"<\0?\0", b"\0<\0?")):
        return ""
    declared = _unmarked(body) or xml_declared(body)
    if not declared or declared.startswith("utf-16"):
        return declared
    found = turbohtml.parse(body, positions=False)
    is_open = found.encoding_confidence == "tentative" and (found.encoding or "").lower() in _FALLBACKS
    return declared if is_open else ""


def of_text(body: bytes, label: str) -> str:
    """Returns the charset of plain text: from its byte order mark, else the header, else from its bytes."""
    return _marked(body) or find_encoding(label) or _of_bytes(body)


def of_xml(body: bytes, label: str) -> str:
    """Returns the charset of an XML document by its beginning: from mark, header or declaration, else from its bytes.

    The beginning may end within a character.
    """
    return _marked(body) or find_encoding(label) or _unmarked(body) or xml_declared(body) or _of_bytes(body)


def guess(body: bytes) -> str:
    """Returns the encoding of bytes that are no UTF-8 and declare nothing: the likeliest, else windows-1252.

    Equal bytes have equal guesses.
    """
    sample = _sample(body)
    text = sample.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    beyond = len(_BEYOND_ASCII.findall(sample))
    if len(text) - (len(sample) - beyond) > bad * (_GOOD_PER_BAD + 1):
        return "utf-8"
    found = turbohtml.detect.detect(sample)
    is_likely = found.confidence > (_FLOOR if beyond >= _FEW else _FLOOR_OF_FEW)
    return (found.encoding or "").lower() if is_likely and found.encoding else "windows-1252"


def xml_declared(body: bytes) -> str:
    """Returns the encoding in an XML declaration. UTF-16 becomes UTF-8, as a declaration in ASCII is not UTF-16."""
    found = _DECLARATION.match(body[:_LOOK])
    if not found:
        return ""
    name = find_encoding((found[1] or found[2] or b"").decode("latin-1"))
    return "utf-8" if name.startswith("utf-16") else name


def decode_in_pieces(pieces: Iterable[bytes], charset: str) -> Iterator[str]:
    """Yields a long body as text without its byte order mark. UTF-8 comes piece by piece, others whole. Never fails."""
    if charset == "utf-8":
        decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        yield from (decoder.decode(piece) for piece in pieces)
        yield decoder.decode(b"", final=True)
    else:
        yield decode(b"".join(pieces), charset)


def decode(body: bytes, charset: str) -> str:
    """Returns the body as text, without its byte order mark. Never fails."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    try:
        return body.decode(f"whatwg-{charset or 'utf-8'}")
    except LookupError:
        return body.decode("utf-8", "replace")


def _marked(body: bytes) -> str:
    return next((name for mark, name in _MARKS if body.startswith(mark)), "")


def _unmarked(body: bytes) -> str:
    return next((name for sign, name in _UNMARKED if body.startswith(sign)), "")


def _of_bytes(body: bytes) -> str:
    """Returns UTF-8 if the bytes are that, up to a last character that may be cut in two; else the guess."""
    try:
        codecs.utf_8_decode(body, "strict", False)
    except UnicodeDecodeError:
        return guess(body)
    return "utf-8"


def _sample(body: bytes) -> bytes:
    """Returns the bytes to guess from: they begin near the first one beyond ASCII, and end with no half character."""
    first = _BEYOND_ASCII.search(body)
    at = max(0, first.start() - _BEFORE) if first else 0
    sample = body[at : at + _SAMPLE]
    if at + _SAMPLE < len(body):
        sample = sample[: max(sample.rfind(sign) for sign in (b" ", b"\n", b"<")) + 1 or None]
    return sample.translate(_BLANKED)
