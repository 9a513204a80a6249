"""Reads the records of a WARC file, of whatever maker, one after another (WARC 0.17 to 1.1)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping

from ..errors import ArchiveError
from .unpacking import CUT_SHORT, Blocks, Pieces, Place, Window

MOST_HEADER = 1 << 16
"""Bytes of a record's header. Real ones have some hundred."""
_VERSION = re.compile(rb"WARC/(?:0\.1[789]|1\.[01])(?:\r?\n|\Z)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_FOLD = re.compile(rb"\r?\n[ \t]++")
_BLANK = re.compile(rb"\r?\n\r?\n")
_ENDS_OF_LINES = re.compile(rb"[\r\n]*+")
_DIGESTS = {"sha1": 20, "sha256": 32, "md5": 16, "sha512": 64, "sha384": 48}
"""Algorithms of digests that are checked, and the bytes of each."""


class Record:
    """One record. Its block is read once, piece by piece, before the next record is asked for."""

    def __init__(self, walk: Walk, place: Place, fields: Mapping[str, str], size: int) -> None:
        self._walk = walk
        self.place: Place = place
        """Where it begins in the file."""
        self.fields: Mapping[str, str] = fields
        """The values of its header by their names in lower case; of several, the first."""
        self.size: int = size
        """Bytes of its block."""
        self.left: int = size
        """Bytes of its block that were not read yet."""
        self.length: int | None = None
        """Bytes that it takes in the file, as an index has them. None: not known before `finish`, and for a record
        that shares its member with others."""
        self.is_sound: bool | None = None
        """Whether its block has the digest that its header says. None: not known before `finish`, or none is said."""
        self._digest = _find_digest(fields.get("warc-block-digest", "")) if walk.is_checked else None

    @property
    def type(self) -> str:
        """The word of its type, in lower case: `response`. Empty: it has none."""
        return self.fields.get("warc-type", "").lower()

    @property
    def target(self) -> str:
        """The URL that it is about. Empty: none."""
        return self.fields.get("warc-target-uri", "").removeprefix("<").removesuffix(">")

    def read(self) -> bytes:
        """Returns the next piece of the block; nothing at its end. Raises ArchiveError where it is damaged, OSError."""
        piece = self._walk.take(self.left)
        self.left -= len(piece)
        if self._digest:
            self._digest[0].update(piece)
        return piece

    def read_all(self, most: int) -> tuple[bytes, bool]:
        """Returns the rest of the block, at most `most` bytes of it, and whether that is all. Raises as `read` does."""
        pieces, room = list[bytes](), most
        while room > 0 and (piece := self.read()):
            pieces.append(piece[:room])
            room -= len(piece)
        return b"".join(pieces), room >= 0 and not self.left

    def finish(self) -> None:
        """Reads over the rest of the record, so that `length` and `is_sound` are known. Raises as `read` does."""
        while self.read():
            pass
        if self._digest:
            self.is_sound = self._digest[0].digest() == self._digest[1]
            self._digest = None
        self._walk.end(self)


class Walk:
    """Iterates over the records of a file. Memory is bounded; the time is linear in the unpacked bytes."""

    def __init__(self, source: Window | Blocks, name: str, start: int = 0, *, is_checked: bool = True) -> None:
        """`name` is for messages. `start` is the place of a record in a window; other bytes begin with a record.

        `is_checked`: the digests of blocks are compared. Raises ArchiveError for what is no WARC, OSError.
        """
        self.is_checked: bool = is_checked
        self._pieces: Blocks = Pieces(source, name, start) if isinstance(source, Window) else source
        self._name = name
        self._piece = b""
        self._at = 0
        """Bytes of the piece that were taken."""
        self._record: Record | None = None
        self._damage: ArchiveError | None = None
        """Damage right behind the last whole record."""
        self._skip_blank()

    def __iter__(self) -> Iterator[Record]:
        """Yields the records. Raises ArchiveError at the place from which on the file cannot be read, OSError."""
        while (record := self.next()) is not None:
            yield record

    def next(self) -> Record | None:
        """Returns the next record, None at the end. The one before is finished. Raises as iterating does."""
        if self._record:
            self._record.finish()
        if self._damage:
            raise self._damage
        if self._at == len(self._piece):
            return None
        place = self._place
        fields = self._read_fields(place)
        if not _LENGTH.fullmatch(size := fields.get("content-length", "")):
            raise ArchiveError(self._name, "not a WARC record: its length is missing", place.offset)
        self._record = Record(self, place, fields, int(size))
        return self._record

    def take(self, most: int) -> bytes:
        """Returns the next bytes, up to the end of a piece. Only a record calls this. Raises as iterating does."""
        if not most:
            return b""
        if self._at == len(self._piece) and not self._fill():
            raise ArchiveError(self._name, CUT_SHORT, self._place.offset)
        begin, self._at = self._at, min(len(self._piece), self._at + most)
        return self._piece[begin : self._at]

    def end(self, record: Record) -> None:
        """Goes to the record behind this one, whose length is known then. Only a record calls this."""
        if record is not self._record:
            return
        self._record, next_ = None, None
        try:
            self._skip_blank()
        except ArchiveError as error:
            if error.offset is None or error.offset == record.place.offset:
                raise  # its own member has no sound end
            self._damage, next_ = error, Place(error.offset)
        next_ = next_ or self._place
        if not record.place.inner and not next_.inner:
            record.length = next_.offset - record.place.offset

    @property
    def _place(self) -> Place:
        """The place of the next byte."""
        end, left = self._pieces.end, len(self._piece) - self._at
        return Place(end.offset, end.inner - left) if self._pieces.is_packed else Place(end.offset - left)

    def _fill(self) -> bool:
        self._piece, self._at = self._pieces.read(), 0
        return bool(self._piece)

    def _skip_blank(self) -> None:
        """Goes on to the next byte that ends no line. At the end of the file nothing is left of the piece."""
        while True:
            self._at = _ENDS_OF_LINES.match(self._piece, self._at).end()  # type: ignore[union-attr]  # it always matches
            if self._at < len(self._piece) or not self._fill():
                return

    def _read_fields(self, place: Place) -> dict[str, str]:
        """Returns the fields of the header that begins here."""
        header = self._read_header(place)
        lines = _FOLD.sub(b" ", header).split(b"\n")[1:]
        fields: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(b":")
            fields.setdefault(name.strip().lower().decode("latin-1"), value.strip().decode("utf-8", "replace"))
        return fields

    def _read_header(self, place: Place) -> bytes:
        """Returns the bytes up to the next empty line."""
        found = _BLANK.search(self._piece, self._at)
        header = self._piece[self._at : found.start() if found else None]
        while not found and len(header) <= MOST_HEADER and self._fill():
            looked = max(0, len(header) - 3)
            header += self._piece
            if found := _BLANK.search(header, looked):
                self._at = found.end() - (len(header) - len(self._piece))
                header = header[: found.start()]
                break
        else:
            self._at = found.end() if found else len(self._piece)
        if not _VERSION.match(header[:12]):
            raise ArchiveError(self._name, self._describe(header, place), place.offset)
        if not found:
            why = CUT_SHORT if len(header) <= MOST_HEADER else "not a WARC record: its header has no end"
            raise ArchiveError(self._name, why, place.offset)
        return header

    def _describe(self, head: bytes, place: Place) -> str:
        """Returns what stands there instead of a record."""
        if head.startswith(b"filedesc:"):
            return "an ARC file, the format before WARC: convert it, as with `warcio recompress`"
        if head.startswith(b"PK\3\4"):
            return "a zip file, not a WARC"
        version = re.match(rb"WARC/[0-9.]{1,8}", head)
        if version:
            return f"a record of {version[0].decode()}, which is not known"
        return "not a WARC record" if place.offset else "not a WARC file"


def read_record(window: Window, name: str, offset: int) -> Record:
    """Returns the record that begins at byte `offset`. Raises ArchiveError, OSError."""
    record = Walk(window, name, offset).next()
    if record is None:
        raise ArchiveError(name, "no record begins there", offset)
    return record


def _find_digest(text: str) -> tuple[hashlib._Hash, bytes] | None:
    """Returns a hash and the value that it should come to; None if the text names none that is known."""
    algorithm, _, value = text.partition(":")
    name = algorithm.lower().replace("-", "")
    size = _DIGESTS.get(name, 0)
    try:
        if size and len(value) == 2 * size:
            return hashlib.new(name, usedforsecurity=False), bytes.fromhex(value)
        if size and len(value.rstrip("=")) == -(-size * 8 // 5):
            value = value.rstrip("=").upper()
            return hashlib.new(name, usedforsecurity=False), base64.b32decode(value + "=" * (-len(value) % 8))
    except ValueError:
        pass
    return None
