"""Opens archives: reads them once for their index, then finds single answers in them. Its calls block."""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import NamedTuple

from .. import urls
from ..errors import ArchiveError, ConfigError, StorageFull, UrlError
from ..model import Reason, Request
from ..runtime.counting import many
from ..runtime.files import is_full
from ..urls.canonical import Policy
from ..warc.reading import Record, Walk, read_record
from ..warc.unpacking import Window
from .answers import MOST_HEAD, Answer
from .captures import BATCH, Capture, Captures, request_key
from .cdxj import IndexReader, is_index
from .files import SETTING, ArchiveFile, open_window, unpack_window
from .indexing import Indexer, Unseekable, original_key, read_block, unix_time
from .unanswered import read_unanswered

MOST_OPEN = 64
"""Files that are open at a time."""
MOST_NOTES = 100


class Found(NamedTuple):
    """An archived exchange."""

    answer: Answer
    at: float
    """Unix seconds when it was made."""
    ip: str
    """The address of the server. Empty: the archive does not say."""
    truncated: str
    """Why the body is not whole, in WARC's word. Empty: it is."""


class Large(NamedTuple):
    """An archived exchange that needs memory first."""

    size: int
    """Bytes that it takes."""


class Missing(NamedTuple):
    """There is no answer for a request, or none that can be read."""

    why: str = ""
    """Why not, in a few words. Empty: it was not archived."""


class Failed(NamedTuple):
    """An attempt that brought no answer when the archive was made."""

    reason: Reason
    detail: str
    is_transient: bool
    """Whether another attempt followed, or might have."""


class Store:
    """The archives of one replay. One thread at a time calls it, but for `stop` and `notes`."""

    def __init__(
        self, files: Sequence[ArchiveFile], policy: Policy, most_body: int, records: Sequence[Path] = ()
    ) -> None:
        """`policy` makes the spelling of URLs that requests have. `most_body`: bytes of the largest body wanted.

        `records` are those of the crawls that made the archives; they tell which attempts brought no answer.
        """
        self._records = records
        self._files = list(files)
        self._policy = policy
        self._largest = most_body + MOST_HEAD + 1
        self._captures = Captures()
        self._aside = ExitStack()
        self._unpacked: dict[int, Window] = {}
        """Windows on temporary files, into which others were unpacked because nothing can be found in them."""
        self._windows: OrderedDict[int, tuple[Window, ExitStack]] = OrderedDict()
        self._is_stopped = threading.Event()
        self.notes: list[str] = []
        """Archives that could not be read, one line each."""

    def __len__(self) -> int:
        return len(self._captures)

    def index(self) -> None:
        """Reads all files once. Raises ConfigError if none of them is an archive with an answer in it."""
        indexer = Indexer(self._captures, self._policy)
        reader = IndexReader(self._captures, self._policy, self._files)
        for number, one in enumerate(self._files[:]):
            with _translate_errors(one):
                if is_index(one.path):
                    self._take_index(reader, one)
                else:
                    self._index_file(indexer, number, one)
        with _translate_errors(self._files[0]):
            for path in self._records:
                self._captures.tell(read_unanswered(path))
            self._captures.sort()
        if not len(self) and not self._is_stopped.is_set():
            why = self.notes[0] if self.notes else f"{self._files[0].name}: no answer of a web server in it"
            raise _refusal(why)

    def stop(self) -> None:
        """Ends `index` early; another thread may call it."""
        self._is_stopped.set()

    def documents(self, after: int) -> list[tuple[int, str]]:
        """Returns number and URL of archived documents behind the one with the number `after`; none at the end.

        They stand in the order of the archives, and some URLs come more than once.
        """
        return self._captures.documents(after, BATCH)

    def find(self, request: Request, room: int, *, may_be_unchanged: bool) -> Found | Large | Missing | Failed:
        """Returns the archived answer to a request, if it takes at most `room` bytes.

        A URL that was asked several times gives its answers in turn, one an attempt. `may_be_unchanged`: the request
        asks for a change only, so a 304 answers it.
        """
        url, number = request.url.text, request.attempt + request.visit - 2
        key = request_key(url, request.method, request.body)
        if request.is_plain and request.visit == 1 and (told := self._captures.told(key)):
            attempts, reason, detail = told
            unanswered = attempts - self._captures.count(key)
            if reason and unanswered >= attempts:
                return Failed(Reason(reason), detail, attempts > 1)
            if request.attempt <= unanswered:
                return Failed(Reason.NOT_ARCHIVED, "", is_transient=True)
            number -= max(0, unanswered)
        capture = self._captures.find(key, number)
        if capture is None:
            return Missing()
        try:
            return self._read(capture, url, room, may_be_unchanged=may_be_unchanged)
        except (ArchiveError, OSError) as error:
            self.note(str(error))
            return Missing(str(error))

    def note(self, line: str) -> None:
        """Keeps a line about what could not be read, once."""
        if len(self.notes) < MOST_NOTES and line not in self.notes:
            self.notes.append(line)

    def close(self) -> None:
        """Closes all files and drops the index."""
        for _, stack in self._windows.values():
            stack.close()
        self._aside.close()
        self._captures.close()

    # -- reading once ------------------------------------------------------------------------------------------------

    def _index_file(self, indexer: Indexer, number: int, one: ArchiveFile) -> None:
        before = len(self)
        with ExitStack() as stack:
            try:
                window = open_window(one, self._aside if one.is_packed else stack)
                if one.is_packed:
                    self._unpacked[number] = window
                try:
                    self._walk(indexer, number, window, one.name)
                except Unseekable:
                    self._captures.forget(number)
                    window = self._unpacked[number] = unpack_window(window, one.name, self._aside)
                    self._walk(indexer, number, window, one.name)
            except ArchiveError as error:
                if one.is_named and not error.offset and len(self) == before:
                    raise _refusal(str(error)) from error
                kept = many(len(self) - before, "answer", "answers")
                self.note(f"{error}; the {kept} before it can be replayed, the rest of the file is not read")

    def _take_index(self, reader: IndexReader, one: ArchiveFile) -> None:
        try:
            unused = reader.read(one.path, self._is_stopped.is_set)
        except (ArchiveError, EOFError, zlib.error) as error:
            raise _refusal(str(error) if isinstance(error, ArchiveError) else f"{one.name}: {error}") from error
        if unused:
            self.note(f"{one.name}: {many(unused, 'line')} could not be used")

    def _walk(self, indexer: Indexer, number: int, window: Window, name: str) -> None:
        indexer.read(Walk(window, name, is_checked=False), number, self._is_stopped.is_set)

    # -- reading again -----------------------------------------------------------------------------------------------

    def _read(self, capture: Capture, url: str, room: int, *, may_be_unchanged: bool) -> Found | Large | Missing:
        record = self._record(capture)
        if self._files[capture.file].is_indexed and not self._is_about(record, url):
            return Missing(f"the index is wrong: {record.target} stands at byte {capture.offset:,} of its archive")
        if (size := self._size(record)) > room:
            return Large(size)
        said, answer = record.fields, self._answer(record, capture)
        if answer.status == 304 and may_be_unchanged:
            return _found(said, answer, said)
        is_unchanged = answer.status == 304
        if not capture.is_revisit and not is_unchanged:
            return _found(said, answer, said)
        original = self._captures.find_original(*original_key(record, self._policy, is_unchanged=is_unchanged))
        if original is None:
            return Missing("its record refers to a body that is in none of these archives")
        kept = self._record(original)
        if (size := size + self._size(kept)) > room:
            return Large(size)
        whole = self._answer(kept, original)
        if answer.fields and not is_unchanged:
            whole = answer._replace(body=whole.body, is_whole=whole.is_whole)
        return _found(said, whole, kept.fields)

    def _is_about(self, record: Record, url: str) -> bool:
        try:
            return urls.parse(record.target, policy=self._policy).text == url
        except UrlError:
            return False

    def _size(self, record: Record) -> int:
        """Returns the bytes that a record takes in memory."""
        return min(record.size, self._most(record))

    def _most(self, record: Record) -> int:
        """Returns how many bytes of a record are read. A revisit has a head alone."""
        return MOST_HEAD if record.type == "revisit" else self._largest

    def _answer(self, record: Record, capture: Capture) -> Answer:
        """Returns the answer of a record, its body cut if it is larger than any that is wanted. Raises ArchiveError."""
        block, is_all = record.read_all(self._most(record))
        why = ""
        if is_all:
            record.finish()
            why = "" if record.is_sound is not False else "the bytes of the record do not have the digest that it names"
        answer = read_block(record, block)
        if why or answer is None:
            raise ArchiveError(self._files[capture.file].name, why or "the record holds no answer", capture.offset)
        return answer

    def _record(self, capture: Capture) -> Record:
        return read_record(self._window(capture.file), self._files[capture.file].name, capture.offset)

    def _window(self, number: int) -> Window:
        if number in self._unpacked:
            return self._unpacked[number]
        if number not in self._windows:
            with ExitStack() as stack:
                self._windows[number] = open_window(self._files[number], stack), stack.pop_all()
            while len(self._windows) > MOST_OPEN:
                self._windows.popitem(last=False)[1][1].close()
        self._windows.move_to_end(number)
        return self._windows[number][0]


def _found(said: Mapping[str, str], answer: Answer, kept: Mapping[str, str]) -> Found:
    """Returns the exchange; `said` are the fields of its record, `kept` those of the record that holds the body."""
    truncated = kept.get("warc-truncated", "") or ("" if answer.is_whole else "disconnect")
    return Found(answer, unix_time(said.get("warc-date", "")), said.get("warc-ip-address", ""), truncated)


@contextmanager
def _translate_errors(one: ArchiveFile) -> Iterator[None]:
    """Translates errors of the system and of the index into StorageFull and ConfigError."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if is_full(error):
            raise StorageFull(f"{gettempdir()}: no space left for the index of {one.name}") from error
        if not isinstance(error, OSError):
            raise
        raise _refusal(f"{one.name}: {error.strerror or error}") from error


def _refusal(words: str) -> ConfigError:
    return ConfigError(f"{SETTING}: {words}", [SETTING], [words])
