"""Reads sources as one stream of canonical URLs, as it is needed, without holding it in memory."""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

from .. import urls
from ..errors import SeedError, UrlError
from ..model import Request, Url
from ..runtime.nearest import did_you_mean_file
from ..urls.requests import is_label
from .packing import DAMAGED
from .part import BLOCK, Entry, Part, Stream
from .reports import BadSeed, OnBad, OnTaken, Taken
from .words import kind, parse

T = TypeVar("T")
Columns = Mapping[str, object] | None
Make = Callable[[Url, Columns], T]
_A_SITE = "; for a web site, write https://..."


def read(
    sources: Iterable[str],
    on_bad: OnBad = lambda bad: None,
    *,
    column: str | None = None,
    on_taken: OnTaken = lambda taken: None,
) -> Iterator[Url]:
    """Yields the URLs that `sources` name, in order: URLs, files of every kind in docs/seeds.md, `-` for stdin.

    `column` is the name or the number (from 1) of the column or field that holds the URLs; without it, the column is
    found by its cells. Blank lines and comments (`#` at the beginning or after a space) are skipped. Unusable lines go
    to `on_bad`. What each list was taken for goes to `on_taken`, once the list is read. Raises SeedError if a source
    cannot be read, and at the end if there was no usable URL at all.
    """
    return _read(sources, on_bad, column, on_taken, _take_url)


def read_requests(
    sources: Iterable[str],
    on_bad: OnBad = lambda bad: None,
    *,
    column: str | None = None,
    on_taken: OnTaken = lambda taken: None,
) -> Iterator[Request]:
    """Yields requests as `read` yields URLs, with the other columns or fields of each row as their `data`.

    A column named `label` becomes the label, where it can be one.
    """
    return _read(sources, on_bad, column, on_taken, _make_request)


def _read(sources: Iterable[str], on_bad: OnBad, column: str | None, on_taken: OnTaken, make: Make[T]) -> Iterator[T]:
    names = list(sources)
    found = False
    for source in names:
        for one in _from_source(source, on_bad, column, on_taken, make):
            found = True
            yield one
    if not found:
        raise SeedError(f"{', '.join(map(_name_of, names))}: no line that could be used as a seed")


def check(
    sources: Iterable[str], *, strict: bool = False, column: str | None = None, keep_columns: bool = False
) -> None:
    """Raises SeedError if a source cannot be read or holds no usable URL. Call it before anything is fetched.

    With `strict` every line must be usable, so all are read. Pipes and stdin are not checked, because they can be read
    only once.
    """

    for source in sources:
        path = Path(source)
        if kind(source) == "stdin" or (os.path.exists(source) and not path.is_file() and not path.is_dir()):
            continue
        bad: deque[BadSeed] = deque(maxlen=1)
        on_bad = _refuse if strict else bad.append
        stream = _from_source(source, on_bad, column, lambda taken: None, _make_request if keep_columns else _take_url)
        if next(stream, None) is None:
            why = f", as in {bad[0]}" if bad else ""
            raise SeedError(f"{_name_of(source)}: no line that could be used as a seed{why}")
        if strict:
            deque(stream, maxlen=0)


def _refuse(bad: BadSeed) -> None:
    raise SeedError(str(bad))


def _from_source(source: str, on_bad: OnBad, column: str | None, on_taken: OnTaken, make: Make[T]) -> Iterator[T]:
    if kind(source) == "url":
        try:
            yield make(parse(source), None)
        except UrlError as error:
            raise SeedError(f"{source!r}: {error}") from error
        return
    from .formats import parts_of  # noqa: PLC0415 - readers of many formats, of which a URL needs none

    with _open_source(source) as (stream, file):
        name = _name_of(source)
        whole = Part(name, stream, on_bad, column, keeps_columns=make is _make_request, taken=Taken(name))
        for part, entries in parts_of(whole, file):
            try:
                yield from _parse_entries(part, entries, make)
            except GeneratorExit:
                on_taken(part.taken)
                raise
            on_taken(part.taken)


def _parse_entries(part: Part, entries: Iterable[Entry], make: Make[T]) -> Iterator[T]:
    taken = part.taken
    for line, text in entries:
        try:
            one = make(parse(text), part.columns)
        except UrlError as error:
            part.bad(line, text, str(error))
            continue
        taken.urls += 1
        yield one
    taken.is_whole = True


def _take_url(url: Url, columns: Columns) -> Url:
    return url


def _make_request(url: Url, columns: Columns) -> Request:
    """Returns the request for a row with these other columns. Raises RequestError if they are too much."""
    if not columns:
        return Request(url)
    data, label = dict(columns), ""
    for name, text in columns.items():
        if name.lower() == "label" and is_label(text):
            label = str(data.pop(name))
            break
    return urls.check_request(Request(url, label=label, data=data or None))


@contextmanager
def _open_source(source: str) -> Iterator[tuple[Stream, IO[bytes] | None]]:
    """Opens a source, and yields its bytes and its file, if any. Raises SeedError, also for errors while it is read."""
    name, stream = _name_of(source), Stream(io.BytesIO())
    try:
        with open(0 if source == "-" else source, "rb", buffering=0, closefd=source != "-") as file:
            stream = Stream(_Plain(file), file.fileno() if not file.seekable() else None)
            yield stream, file
    except FileNotFoundError as error:
        raise SeedError(f"{name}: no such file{did_you_mean_file(Path(source), _A_SITE)}") from error
    except IsADirectoryError as error:
        raise SeedError(f"{name}: a directory, not a list of URLs (to continue a crawl, repeat its command)") from error
    except DAMAGED as error:
        raise SeedError(f"{name}: damaged {stream.packed_as or 'zip'} file: {error}") from error
    except (OSError, NotImplementedError) as error:
        if stream.packed_as and isinstance(error, OSError) and error.errno is None:  # bz2 reports damage like this
            raise SeedError(f"{name}: damaged {stream.packed_as} file: {error}") from error
        raise SeedError(f"{name}: {getattr(error, 'strerror', None) or error}") from error


class _Plain:
    """An unbuffered file: each read is one system call."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file

    def read1(self, size: int = -1, /) -> bytes:
        return self._file.read(BLOCK if size < 0 else size)


def _name_of(source: str) -> str:
    return "standard input" if source == "-" else source
