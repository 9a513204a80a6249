"""Turns header fields of other HTTP clients into pairs of bytes, as a Response has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

Headers = Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[str | bytes, str | bytes]]
"""Header fields as HTTP clients have them: a mapping, or pairs of names and values."""

_OF_THE_WIRE = frozenset((b"content-encoding", b"transfer-encoding", b"content-length"))
_CHARSET = re.compile(r';\s*charset\s*=\s*(?:"([^"]*)"|([^;]*))', re.IGNORECASE)


def make_pairs(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    """Returns the fields as pairs of bytes, in order. Raises TypeError for what is neither a mapping nor pairs.

    A mapping that holds a field several times tells so by `multi_items`. Lines of one value are fields of their own,
    as browsers join them. Names that begin with a colon are no fields (RFC 9113 8.3).
    """
    items = getattr(headers, "multi_items", None) or getattr(headers, "items", None)
    given = cast("Iterable[tuple[object, object]]", items() if items else headers)
    pairs = []
    for name, value in given:
        key = _octets(name)
        pairs += [(key, line.strip()) for line in _octets(value).split(b"\n") if not key.startswith(b":")]
    return tuple(pairs)


def find_values(pairs: Iterable[tuple[bytes, bytes]], name: str) -> Iterator[str]:
    """Yields the values of the named field as latin-1 text, in order."""
    wanted = name.lower().encode()
    return (value.decode("latin-1") for key, value in pairs if key.lower() == wanted)


def describe_decoded(
    pairs: Iterable[tuple[bytes, bytes]], length: int, *, is_text: bool
) -> tuple[tuple[bytes, bytes], ...]:
    """Returns the fields of a body that is decoded already: without its codings, and with its length now.

    `is_text`: the body was text and is UTF-8 now, whatever Content-Type says.
    """
    kept = [(name, value) for name, value in pairs if name.lower() not in _OF_THE_WIRE]
    if is_text:
        kinds = [value for name, value in kept if name.lower() == b"content-type"]
        kind = _CHARSET.sub("", kinds[0].decode("latin-1")).encode("latin-1") if kinds else b"text/html"
        kept = [(name, value) for name, value in kept if name.lower() != b"content-type"]
        kept.append((b"Content-Type", kind + b"; charset=utf-8"))
    return (*kept, (b"Content-Length", b"%d" % length))


def find_charset(content_type: str) -> str:
    """Returns the charset that a Content-Type names; `utf-8` if it names none."""
    match = _CHARSET.search(content_type)
    return ((match[1] or match[2] or "").strip() if match else "") or "utf-8"


def _octets(text: object) -> bytes:
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise TypeError(f"a header field is text or bytes, not {type(text).__name__}")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()
