"""Names the files of an offline copy so that every system can hold them: Windows, macOS, sticks, zip files."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from hashlib import blake2b
from urllib.parse import unquote, urlsplit

ENTRY = "index.html"
"""The page that a reader opens first."""
MOST_SEGMENT = 60
"""Characters of one name. Systems allow 255 bytes, some archivers fewer."""
MOST_PATH = 160
"""Characters of a whole path. Windows allows 260, with the folder that the copy is in."""
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$)(?:\.|\Z)", re.IGNORECASE)
"""Names of devices of Windows, whatever their ending."""
_ENDING = re.compile(r"\.([A-Za-z0-9]{1,8})\Z")
_ENDINGS = {
    "text/html": "html htm", "application/xhtml+xml": "xhtml", "text/css": "css", "text/javascript": "js mjs",
    "application/javascript": "js mjs", "application/x-javascript": "js mjs", "text/plain": "txt text md csv log",
    "image/png": "png", "image/jpeg": "jpg jpeg", "image/gif": "gif", "image/webp": "webp", "image/avif": "avif",
    "image/svg+xml": "svg", "image/x-icon": "ico", "image/vnd.microsoft.icon": "ico", "image/bmp": "bmp",
    "font/woff2": "woff2", "font/woff": "woff", "font/ttf": "ttf", "font/otf": "otf", "application/font-woff": "woff",
    "application/font-woff2": "woff2", "application/x-font-woff": "woff", "application/pdf": "pdf",
    "application/json": "json", "application/manifest+json": "webmanifest json", "text/xml": "xml",
    "application/xml": "xml", "application/rss+xml": "xml rss", "application/atom+xml": "xml atom",
    "audio/mpeg": "mp3", "audio/ogg": "ogg oga", "video/mp4": "mp4 m4v", "video/webm": "webm", "video/ogg": "ogv",
    "text/vtt": "vtt", "application/zip": "zip", "application/wasm": "wasm", "text/csv": "csv",
}  # fmt: skip
"""The endings by which browsers know a type without a header; the first is given to names that have none of them."""
_ACTIVE = frozenset(("html", "htm", "xhtml", "xht", "svg", "xml", "js", "mjs", "css"))
"""Endings that a file gets by its type alone, for a browser does something with it."""


class FileNames:
    """Gives each file of a copy its path. No two paths differ in case alone, and none is a folder of another."""

    def __init__(self, base: sqlite3.Connection) -> None:
        """`base` is a database of the export's own, for the names that are taken."""
        self._base = base
        base.execute("CREATE TABLE taken (path TEXT PRIMARY KEY, is_folder INTEGER NOT NULL) WITHOUT ROWID")
        self._take(ENTRY, is_folder=False)

    def make(self, url: str, kind: str) -> str:
        """Returns a new path for what a URL holds, a body of this media type, with `/` between its parts."""
        parts = urlsplit(url)
        mark = blake2b(url.encode(), digest_size=4).hexdigest()
        folders, name = self._split(unquote(parts.path), kind)
        stem, dot, ending = name.rpartition(".")
        host = _clean((parts.hostname or "") + (f"_{parts.port}" if parts.port else ""), "host")
        path = self._join([host, *folders], f"{stem}-{mark}{dot}{ending}" if parts.query else name, mark)
        if len(path) > MOST_PATH:
            path = self._join([host[:MOST_SEGMENT], "_"], f"{mark}{dot}{ending}", mark)
        number = 0
        while self._is_taken(path):
            number += 1
            path = f"{path.removesuffix(dot + ending)}-{mark if number == 1 else number}{dot}{ending}"
        self._take(path, is_folder=False)
        return path

    def _split(self, path: str, kind: str) -> tuple[list[str], str]:
        """Returns the safe names of folders and file."""
        *folders, last = path.split("/")
        ending = _ENDING.search(last)
        written = ending[1].lower() if ending else ""
        known = _ENDINGS.get(kind, "").split()
        if known:
            given = written if written in known else known[0]
        else:
            given = written if written and written not in _ACTIVE else "bin"
        stem = last[: ending.start()] if ending and given == written else last
        return [_clean(one, "_") for one in folders if one], f"{_clean(stem, 'index')}.{given}"

    def _join(self, folders: list[str], name: str, mark: str) -> str:
        """Returns the path, its folders renamed where a file has their name already."""
        path = ""
        for one in folders:
            step = f"{path}{one}"
            if self._find(step) == 0:
                step = f"{step}-{mark}"
            path = f"{step}/"
        return f"{path}{name}"

    def _is_taken(self, path: str) -> bool:
        return self._find(path) is not None

    def _find(self, path: str) -> int | None:
        """Returns 1 for a folder, 0 for a file, None where nothing has this name."""
        row = self._base.execute("SELECT is_folder FROM taken WHERE path = ?", (path.lower(),)).fetchone()
        return row and int(row[0])

    def _take(self, path: str, *, is_folder: bool) -> None:
        known = path.lower()
        self._base.execute("INSERT OR IGNORE INTO taken VALUES (?, ?)", (known, int(is_folder)))
        while known := known.rpartition("/")[0]:
            self._base.execute("INSERT OR IGNORE INTO taken VALUES (?, 1)", (known,))


def _clean(text: str, other: str) -> str:
    """Returns a name of safe characters. What it loses is made good by a few digits, so that names stay apart."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    name = _STRANGE.sub("_", plain).strip(". ")
    if name.startswith("-") or _RESERVED.match(name):
        name = f"_{name}"
    mark = blake2b(text.encode("utf-8", "replace"), digest_size=3).hexdigest()
    if len(name) > MOST_SEGMENT:
        return f"{name[: MOST_SEGMENT - 7].rstrip('.')}-{mark}"
    return f"{name or other}-{mark}" if text and name.lstrip("_") != text.lstrip("_") else name or other
