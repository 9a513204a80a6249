"""Computes the sketch of a text: the smallest hashes of its pairs of words, by which two texts are compared.

It is a bottom-k sketch (Broder, 1997): a sample of the pairs that is drawn in the same way from every text, so that
pairs that two texts share are in the samples of both. No part of a text is left out, and none has a place.
"""

from __future__ import annotations

import string
import sys
from array import array
from itertools import pairwise

from xxhash import xxh3_64_intdigest

MOST = 128
"""Hashes of a sketch. The share of two texts is told with an error of about 4 %."""
LEAST = 32
"""Texts of fewer different pairs have no sketch: too little is said to be said again."""
KEYS = 12
"""The smallest hashes of a sketch, by which others are found: one of 3,000 that share two fifths has none of them."""
MAIN, ALL = b"\1", b"\2"
"""The text that a sketch was made of: that of the page's main part, or all its words. Others are not compared."""
_PUNCTUATION = string.punctuation.encode()
_DIGITS = string.digits.encode()
_MOST_DIGITS = 0.15
"""The share of digits from which on they count: they are then what the page says, and no date or price in a text."""
_LONGEST_WORD = 30
"""Bytes of a word at the mean. More: the text is written without spaces, and its letters are paired."""
_LETTERS = 4
_ITEM = "I"
assert array(_ITEM).itemsize == 4


def sketch(text: str, kind: bytes) -> bytes:
    """Returns the sketch of a text; empty: it is too short. `kind` is MAIN or ALL.

    Capitals, punctuation and, in texts of words, digits do not count.
    """
    written = text.lower().encode("utf-8", "replace")
    is_of_words = len(written) - len(letters := written.translate(None, _DIGITS)) <= _MOST_DIGITS * len(written)
    words = (letters if is_of_words else written).translate(None, _PUNCTUATION).split()
    pairs = _pair_letters(words) if len(written) > _LONGEST_WORD * len(words) else map(b" ".join, pairwise(words))
    hashes = sorted(set(map(xxh3_64_intdigest, pairs)))
    if len(hashes) < LEAST:
        return b""
    return kind + _pack(array(_ITEM, [one >> 32 for one in hashes[:MOST]]))


def similarity(one: bytes, other: bytes) -> float:
    """Returns the share of their pairs that two texts have in common, from 0 to 1, as their sketches tell it."""
    if not one or not other or one[0] != other[0]:
        return 0.0
    ours, theirs = hashes_of(one), hashes_of(other)
    end = min((known[-1] for known in (ours, theirs) if len(known) == MOST), default=1 << 32)
    mine, its = ({value for value in known if value <= end} for known in (ours, theirs))
    return len(mine & its) / len(mine | its)


def keys(made: bytes) -> list[int]:
    """Returns the numbers by which a sketch is found; those of sketches of different kinds are different."""
    return [made[0] << 32 | value for value in hashes_of(made)[:KEYS]]


def hashes_of(made: bytes) -> array[int]:
    """Returns the hashes of a sketch in their order."""
    found = array(_ITEM)
    found.frombytes(made[1:])
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _pair_letters(words: list[bytes]) -> list[bytes]:
    letters = b"".join(words).decode("utf-8", "replace")
    return [letters[at : at + _LETTERS].encode() for at in range(len(letters) - _LETTERS + 1)]


def _pack(hashes: array[int]) -> bytes:
    if sys.byteorder == "big":
        hashes.byteswap()
    return hashes.tobytes()
