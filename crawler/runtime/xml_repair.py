"""Reads on in XML that is not well-formed, as browsers and feed readers do. It expands no entity of a document type.

A raw `&` is text, an entity of HTML is its character, control characters are dropped, an end tag closes what is open
within its element, and one that fits nothing is ignored. Time is linear in the size, for any text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html.entities import html5
from typing import Protocol

from .escaping import unescape_html
from .late_patterns import compile_late

MAX_TAG = 1 << 20
"""Bytes or characters of a tag, a comment or a document type. No sitemap and no feed has a longer one."""
MAX_TAGS = 1_000_000
"""Tags of a faulty document that are read: several times as many as a full sitemap has."""
_ENTITY = compile_late("&(?:#[xX]?[0-9A-Fa-f]++|[A-Za-z][A-Za-z0-9]*+);")
_CONTROLS = dict.fromkeys({*range(0x20)} - {*b"\t\n\r"})
_NAME = compile_late(r"</?([^\W\d][\w.:-]*+)")
_INSIDE = compile_late(r"""(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+""")
"""Matches the inside of a tag. No `<` is in a value, so that a quote that is never closed ends with its tag."""
_ATTRIBUTE = compile_late(r"""(?<=[\s"'/])([^\s=<>"'/]++)\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)'|([^\s"'<>]++))""")
_QUOTED = r""""[^"]*+"|'[^']*+'"""
_DOCTYPE = compile_late(
    rf"<!(?:[^\[\]<>\"']++|{_QUOTED}|\[(?:[^\]\"'<]++|{_QUOTED}|<!--(?:[^-]++|-(?!->))*+-->|<(?!!--))*+\])*+>"
)
_VOID = {"br", "hr", "img", "input", "wbr"}
"""Elements of HTML that have no end tag. Those who forget to escape HTML write them."""


class Enough(Exception):
    """Raised when the rest need not be read. Its text says why."""


class Events(Protocol):
    """The reader of the elements, which keeps the path of open ones."""

    path: list[str]

    def start(self, name: str, attributes: dict[str, str]) -> None: ...
    def end(self, name: str) -> None: ...
    def implies_end(self, local: str) -> bool:
        """Whether an element ends where `local` starts, because that cannot be a part of it."""
        ...


def decode(text: str) -> str:
    """Returns text or a value with the entities of HTML as characters, without control characters."""
    if "&" in text:
        text = _ENTITY.sub(_character, text)
    return text.translate(_CONTROLS)


def _character(entity: re.Match[str]) -> str:
    """Returns the character of a number or a name that HTML knows, not of the first letters of a name (`&notx;`)."""
    return unescape_html(entity[0]) if entity[0][1] == "#" or entity[0][1:] in html5 else entity[0]


class Repair:
    """Reads a faulty document from any place outside of tags. Text is given as it is written, but for CDATA."""

    def __init__(self, events: Events, note_text: Callable[[str], None], *, is_cdata: bool) -> None:
        self._events = events
        self._note_text = note_text
        self._rest = ""
        self._until = "]]>" if is_cdata else ""
        """The end of the comment, the instruction or the section that is being read."""
        self._tags = 0
        self._is_last = False
        self._text, self._at = "", 0
        """The text being read, and the place in it."""
        self._lines = self._counted = 0
        """Line ends that were counted, and the place up to which they were."""

    @property
    def lines(self) -> int:
        """The number of line ends before what is being read."""
        self._lines += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._lines

    def end_document(self) -> None:
        """Reads what waited for an end that never came: a document type with faults hides nothing behind it."""
        self._is_last = True
        self.feed("")

    def feed(self, text: str) -> None:
        self._text = text = self._rest + text
        at = self._counted = 0
        while at < len(text):
            self._at = at
            if self._until:
                after = self._skip(text, at)
            elif text[at] == "<":
                after = self._markup(text, at)
            else:
                after = text.find("<", at)
                after = len(text) if after < 0 else after
                self._note_text(text[at:after])
            if after < 0:
                break
            at = after
        self._at = at
        self._lines = self.lines
        self._rest, self._text = text[at:], ""
        if len(self._rest) > MAX_TAG:
            raise Enough(f"a tag is longer than {MAX_TAG >> 20} MiB, so the rest was not read")

    def _skip(self, text: str, at: int) -> int:
        """Reads up to the end of a section, and returns the place after it; -1 if the end may be cut in two."""
        end = text.find(self._until, at)
        stop = end if end >= 0 else len(text) - len(self._until) + 1
        if self._until == "]]>" and stop > at:
            self._note_text(text[at:stop].replace("&", "&amp;"))
        if end < 0:
            return stop if stop > at else -1
        end += len(self._until)
        self._until = ""
        return end

    def _markup(self, text: str, at: int) -> int:
        """Reads what begins with `<`, and returns the place after it; -1 if its end is missing so far."""
        for begin, until in (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")):
            if text.startswith(begin, at):
                self._until = until
                return at + len(begin)
        if text.startswith("<!", at):
            return self._doctype(text, at)
        name = _NAME.match(text, at)
        if name is None:
            if len(text) - at < 3:
                return -1
            self._note_text("<")
            return at + 1
        inside = _INSIDE.match(text, name.end())
        end = inside.end() if inside else name.end()
        if end == len(text):
            return -1
        if text[end] in "\"'":  # a value that does not end within its tag
            end = self._broken_end(text, end)
            if end < 0:
                return -1
        self._tag(name[1], text[name.end() : end], is_end=text[at + 1] == "/")
        return end + (text[end] == ">")

    def _broken_end(self, text: str, at: int) -> int:
        """Returns the end of a tag in which a quote is not closed: the next `>`, or the `<` before it."""
        following = text.find("<", at)
        end = text.find(">", at, following if following >= 0 else len(text))
        return end if end >= 0 else following

    def _doctype(self, text: str, at: int) -> int:
        """Skips a document type with its declarations."""
        if len(text) - at < len("<![CDATA[") and "<![CDATA[".startswith(text[at:]):
            return -1
        if found := _DOCTYPE.match(text, at):
            return found.end()
        is_given_up = self._is_last or len(text) - at > MAX_TAG // 2
        return text.find(">", at) + 1 or -1 if is_given_up else -1

    def _tag(self, name: str, inside: str, *, is_end: bool) -> None:
        self._tags += 1
        if self._tags > MAX_TAGS:
            raise Enough(f"only the first {MAX_TAGS} tags of a faulty document were read")
        events, local = self._events, name.rpartition(":")[2].lower()
        if is_end:
            self._close(local)
            return
        while events.implies_end(local):
            events.end(events.path[-1])
        events.start(name, _attributes(inside))
        if inside.endswith("/") or local in _VOID:
            events.end(name)

    def _close(self, local: str) -> None:
        path = self._events.path
        if local not in path[1:]:
            return
        while path[-1] != local:
            self._events.end(path[-1])
        self._events.end(local)


def _attributes(inside: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, double, single, plain in _ATTRIBUTE.findall(inside):
        found.setdefault(name, decode(double or single or plain.rstrip("/")))
    return found
