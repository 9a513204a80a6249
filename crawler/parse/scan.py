"""Reads an HTML document in one pass over its bytes, without a tree, when a tree would cost too much.

It finds links, title and directives in their ordinary form. Time and memory are linear in the size, for any bytes.
Facts that need a tree (templates, namespaces, text) are not read.
"""

from __future__ import annotations

import re

from ..model import LeftOut
from ..runtime.escaping import unescape_attribute, unescape_html
from ..urls import resolve_base
from . import charset as charsets
from . import legacy, media, requisites
from .evidence import MOST_LOOKED_AT
from .job import ParseJob
from .links import kinds_of_link
from .microsyntax import refresh_target
from .reading import Reading, one_line

MAX_TAGS = 100_000
"""Number of relevant tags that are read: a second or two at worst."""
_RAW = ("script", "style", "textarea", "title")
"""Elements whose content is not markup."""
_SOURCES = {
    "frame": "frames", "iframe": "frames", "img": "images", "script": "scripts", "video": "media", "audio": "media",
    "embed": "media",
}  # fmt: skip
"""The kind of link that the `src` of each tag is."""
_NAMES = ("a", "area", "base", "link", "meta", *_RAW, *(tag for tag in _SOURCES if tag not in _RAW))
_TAG = re.compile(rb"<(?:!--|(%s)(?=[\t\n\x0c\r />]))" % b"|".join(name.encode() for name in _NAMES), re.IGNORECASE)
_INSIDE = re.compile(rb"[^<>]{0,8192}+")
"""Matches the inside of a tag, as far as it is read."""
_ATTRIBUTE = re.compile(
    r"""[\s"'/](href|src|rel|type|name|content|http-equiv)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""",
    re.IGNORECASE,
)
_ENDS = {name: re.compile(rb"</%s" % name.encode(), re.IGNORECASE) for name in _RAW}
_META = re.compile(rb"<meta[^<>]{0,256}?charset\s*+=[\s\"']*+([\w-]{1,40}+)", re.IGNORECASE)
_LOOK = 1024
"""Bytes at the beginning that may declare the charset (WHATWG HTML)."""
_SAMPLE = 1 << 16
_MAX_TITLE = 1024
_MAX_DESCRIPTION = 4096


def read(body: bytes, label: str, url: str, job: ParseJob) -> Reading:
    """Reads a document. `label` is the charset in the header, `url` the document's own."""
    name = _charset(body, label)
    if name.startswith("utf-16"):
        body = body.replace(b"\0", b"")  # near enough to ASCII for a URL
    reading = Reading(charset=name, base=url, is_scanned=True)
    scan = _Scan(reading, job, "utf-8" if name.startswith("utf-16") else name)
    if not scan.run(body):
        reading.add_note("the rest was not read")
    reading.media += media.downloads(reading.hrefs)
    reading.hrefs = legacy.encode_hrefs(reading.hrefs, name)
    if job.most_requisites:
        reading.requisites = legacy.encode_hrefs(list(dict.fromkeys(reading.requisites)), name)
        reading.left_out |= LeftOut.REQUISITES
        reading.add_note("images of srcset and styles were not looked for")
    [reading.canonical] = legacy.encode_hrefs([reading.canonical], name)
    reading.note = f"too large for a tree, so links come from a linear scan{reading.note and '; ' + reading.note}"
    return reading


def _charset(body: bytes, label: str) -> str:
    declared = _META.search(body, 0, _LOOK)
    sample = body[:_SAMPLE].rstrip(bytes(range(0x80, 0x100)))  # no character cut in two
    return charsets.of_text(
        sample, charsets.find_encoding(label) or (declared[1].decode("latin-1") if declared else "")
    )


class _Scan:
    """Reads tag after tag, and never goes back."""

    def __init__(self, reading: Reading, job: ParseJob, charset: str) -> None:
        self._reading = reading
        self._job = job
        self._charset = charset
        self._seen = set[str]()
        """Kinds that came already, of those where only the first counts."""

    def run(self, body: bytes) -> bool:
        """Reads the body. Returns whether all of it was read."""
        at = 0
        for _ in range(MAX_TAGS):
            tag = _TAG.search(body, at)
            if tag is None:
                return True
            at = self._past_comment(body, tag.end()) if tag[1] is None else self._past_tag(body, tag)
            if len(self._reading.hrefs) > 2 * self._job.max_links:
                return False
        return False

    def _past_comment(self, body: bytes, at: int) -> int:
        """Returns the place after a comment. A comment that never ends contains the rest, as in a browser."""
        end = body.find(b"-->", at - 2)
        return len(body) if end < 0 else end + 3

    def _past_tag(self, body: bytes, tag: re.Match[bytes]) -> int:
        name = tag[1].decode().lower()
        inside = _INSIDE.match(body, tag.end())
        at = inside.end() if inside else tag.end()
        if inside and b"=" in inside[0]:
            self._note(name, self._attributes(inside[0]))
        if name not in _RAW:
            return at
        end = _ENDS[name].search(body, at)
        if name == "title" and self._is_first(name):
            self._reading.title = one_line(
                unescape_html(self._text(body[at + 1 : end.start() if end else at][:8192])), _MAX_TITLE
            )
        return end.end() if end else len(body)

    def _attributes(self, inside: bytes) -> dict[str, str]:
        """Returns the attributes. The first of each name counts."""
        found: dict[str, str] = {}
        for name, double, single, plain in _ATTRIBUTE.findall(self._text(inside)):
            found.setdefault(name.lower(), unescape_attribute(double or single or plain))
        return found

    def _note(self, name: str, attributes: dict[str, str]) -> None:
        reading, job = self._reading, self._job
        relations = attributes.get("rel", "").lower().split()
        href = attributes.get("href", "").strip()
        if name in {"a", "area"}:
            if href and "anchors" in job.follow and reading.follows(relations, job):
                reading.hrefs.append(href)
        elif name == "base":
            if href and self._is_first(name):
                reading.base = resolve_base(reading.base, href)
        elif name == "link":
            if href:
                self._note_link(relations, href, attributes.get("type", ""))
        elif name == "meta":
            self._note_meta(attributes)
        elif src := attributes.get("src", "").strip():
            self._note_source(name, src)

    def _note_link(self, relations: list[str], href: str, content_type: str) -> None:
        reading, job = self._reading, self._job
        kinds = kinds_of_link(relations, content_type)
        if requisites.is_needed(relations):
            self._note_requisite(href)
        if not kinds.isdisjoint(job.follow) and reading.follows(relations, job):
            reading.hrefs.append(href)
        if "canonical" in kinds and self._is_first("canonical"):
            reading.canonical = href

    def _note_source(self, name: str, src: str) -> None:
        if name != "script" and len(self._reading.media) < MOST_LOOKED_AT:
            self._reading.media.append(src)
        self._note_requisite(src)
        if _SOURCES.get(name) in self._job.follow:
            self._reading.hrefs.append(src)

    def _note_requisite(self, url: str) -> None:
        if len(self._reading.requisites) <= self._job.most_requisites > 0:
            self._reading.requisites.append(url)

    def _note_meta(self, attributes: dict[str, str]) -> None:
        reading, content = self._reading, attributes.get("content", "")
        name = attributes.get("name", "").strip().lower()
        if attributes.get("http-equiv", "").lower() == "refresh" and reading.refresh is None:
            reading.refresh = refresh_target(content)
        elif name == "description" and self._is_first(name):
            reading.description = one_line(content, _MAX_DESCRIPTION)
        elif name == "tdm-reservation":
            reading.tdm = reading.tdm or content[:_MAX_TITLE]
        elif name and name in {"robots", self._job.agent} and len(reading.directives) < _MAX_TITLE:
            reading.directives.append(content)

    def _is_first(self, name: str) -> bool:
        is_first = name not in self._seen
        self._seen.add(name)
        return is_first

    def _text(self, raw: bytes) -> str:
        return charsets.decode(raw, self._charset)
