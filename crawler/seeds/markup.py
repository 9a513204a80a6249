"""Reads lists in HTML: bookmarks, pages of links."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from ..runtime.escaping import unescape_attribute
from .part import BLOCK, MAX_LINE, Entry, Part

# No match runs past the beginning of the next tag, so that a file of mere beginnings takes no quadratic time.
_ANCHOR = re.compile(r"<!--(?:(?!<!--).)*?-->|<a\s(?:[^<>\"']+|\"[^\"<]*\"|'[^'<]*')*+>", re.IGNORECASE | re.DOTALL)
_HREF = re.compile(r"\shref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_UNFINISHED = re.compile(r"<(?:a(?:\s|$)|!--|!?-?$)", re.IGNORECASE)


def read_html(part: Part, encoding: str) -> Iterator[Entry]:
    """Yields the links of a file of bookmarks (as all browsers export them), or of any other HTML file.

    Only absolute URLs count, because a file does not say where a relative link leads. Bookmarks that run a script, or
    lead into the browser itself, are skipped.
    """
    part.taken.what = "links of an HTML file"
    for number, href in _links(part, encoding):
        if re.match(r"(?:https?:)?//", href, re.IGNORECASE):
            yield number, href
        elif not re.match(r"#|(?:javascript|place|about|chrome|edge|mailto|data|tel):", href, re.IGNORECASE):
            part.bad(number, href, "a relative link, or not http" if "://" not in href else "not http or https")


def _links(part: Part, encoding: str) -> Iterator[Entry]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    text, number = "", 1
    while True:
        block, pieces, room = b"", [text], len(text)
        while room >= 0 and (block := part.stream.read1(BLOCK)):  # so that a trickle is not searched at each drop
            pieces.append(decoder.decode(block))
            room -= len(block)
        text = "".join([*pieces, "" if block else decoder.decode(b"", final=True)])
        done = 0
        for tag in _ANCHOR.finditer(text):
            number += text.count("\n", done, tag.start())
            done = tag.start()
            if href := _HREF.search(tag[0]) if not tag[0].startswith("<!--") else None:
                yield number, unescape_attribute(next(filter(None, href.groups()), "")).strip()
            number += text.count("\n", done, tag.end())
            done = tag.end()
        if not block:
            return
        begun = [tag.start() for tag in _UNFINISHED.finditer(text, done)]
        kept = next((at for at in begun if text.startswith("<!--", at)), begun[-1] if begun else len(text))
        kept = kept if len(text) - kept < MAX_LINE else len(text)
        number += text.count("\n", done, kept)
        text = text[kept:]
