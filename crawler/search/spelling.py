"""Brings texts and words to the one spelling under which the index knows them. Pure.

The index splits text at what is neither letter nor digit. Scripts that are written without spaces get a mark that
nobody sees before each character, so that any part of a sentence in them can be found.
"""

from __future__ import annotations

import re

MARK = "\u200b"
"""ZERO WIDTH SPACE."""
_SOLID = (
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46"  # Thai
    "\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf"  # Lao
    "\u1000-\u102a\u103f"  # Burmese
    "\u1780-\u17b3"  # Khmer
    "\u3005-\u3007\u3041-\u3096\u309d-\u30ff\u3105-\u312f\u31f0-\u31ff"  # Japanese, Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
_BEFORE = re.compile(f"[{_SOLID}]")
_BEHIND = re.compile(f"(?<=[{_SOLID}])(?=[^\\W{_SOLID}])")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b]+")


def spell(text: str) -> str:
    """Returns a text as it stands in the index: without control characters, and with marks between solid words."""
    text = _CONTROLS.sub(" ", text)
    if text.isascii() or not _BEFORE.search(text):
        return text
    return _BEHIND.sub(MARK, _BEFORE.sub(f"{MARK}\\g<0>", text))


def unspell(text: str) -> str:
    """Returns a text of the index as people read it."""
    return text.replace(MARK, "")
