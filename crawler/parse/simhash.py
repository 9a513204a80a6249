"""Computes 64 bits over the words of a text. Texts that share most words differ in few bits (Charikar, 2002)."""

from __future__ import annotations

import re
import string

from xxhash import xxh3_64_digest, xxh3_64_intdigest

_SLICES = 4
_SLICE = 768
"""Characters. Long texts are sampled at four places, which keeps the cost of a page below 0.1 ms."""
_ALL = (1 << 64) - 1
_NO_LETTERS = (string.digits + string.punctuation + string.whitespace).encode()
_ECHOED = re.compile("[a-z]{3,}")
_ENDINGS = frozenset(("html", "htm", "xhtml", "php", "asp", "aspx", "jsp", "index"))
"""Words that are the same in all URLs of a site, so that they need not be removed."""
_MOST_ECHOED = 16
"""Words of a URL that are searched in its page."""


def simhash(text: str) -> int:
    """Returns the simhash of a text; 0 for a text without words."""
    words = _sample(text).encode("utf-8", "replace").split()
    lanes = b"".join(map(xxh3_64_digest, words))
    return _majority(int.from_bytes(lanes, "little"), len(words))


def gist(text: bytes, url: str) -> int:
    """Returns 64 bits over all letters of a text in UTF-8, without the words of its own URL.

    It is equal for pages that differ only in numbers and in words repeated from their address: months of a calendar,
    filters that match nothing, places that do not exist.
    """
    letters = text.lower()
    words = sorted({*_ECHOED.findall(url.lower(), url.index("/", 8))} - _ENDINGS, key=len, reverse=True)
    for word in words[:_MOST_ECHOED]:
        letters = b"".join(letters.split(word.encode()))  # `replace` looks twice, to count first
    return xxh3_64_intdigest(letters.translate(None, _NO_LETTERS))


def _sample(text: str) -> str:
    if len(text) <= _SLICES * _SLICE:
        return text
    step = (len(text) - _SLICE) // (_SLICES - 1)
    return " ".join([text[i * step : i * step + _SLICE] for i in range(_SLICES)])


def _majority(lanes: int, count: int) -> int:
    """Returns the bits that are set in more than half of `count` lanes of 64 bits.

    Counters are vertical: plane k holds bit k of every counter. Halving the lanes adds one half to the other for all
    counters at once, as a ripple-carry adder does. This takes a few operations on long integers instead of 64 a word.
    """
    planes, width = [lanes], 1 << max(count - 1, 0).bit_length()
    while width > 1:
        width >>= 1
        shift = 64 * width
        low = (1 << shift) - 1
        carry, added = 0, []
        for plane in planes:
            left, right = plane & low, plane >> shift
            either = left ^ right
            added.append(either ^ carry)
            carry = left & right | carry & either
        planes = [*added, carry]
    return _exceeding(planes, count // 2)


def _exceeding(planes: list[int], bound: int) -> int:
    """Returns the bits whose vertical counters are above `bound`."""
    above, equal = 0, _ALL
    for k in reversed(range(len(planes))):
        if bound >> k & 1:
            equal &= planes[k]
        else:
            above |= equal & planes[k]
            equal &= ~planes[k]
    return above
