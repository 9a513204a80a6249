"""Where a crawl begins: files, sitemaps, URLs and standard input become one stream of canonical URLs.

A source is read as it is needed and never stands in memory, be it ten million lines or one line without an end.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NamedTuple
from xml.parsers import expat

from . import urls
from .errors import SeedError, UrlError
from .model import Url

BLOCK = 1 << 16
"""Bytes read at a time."""
MAX_LINE = 1 << 17
"""Characters of a line that are looked at: what the csv module takes for one field, far more than any URL."""
COLUMNS = ("url", "urls", "uri", "loc", "link", "href", "address", "page", "seed", "website", "site", "host", "domain")
"""What a header line calls the column we want, best first."""
_BARE = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s/?#@:\\,;]+)(:\d{1,5})?(?:[/?#].*)?", re.DOTALL)


class BadSeed(NamedTuple):
    """A line that names no URL we could visit."""

    source: str
    line: int
    text: str
    why: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.why}: {self.text[:200]!r}"


OnBad = Callable[[BadSeed], None]


def read(sources: Iterable[str], on_bad: OnBad = lambda bad: None) -> Iterator[Url]:
    """The URLs that `sources` name, in order: URLs, files (plain list, CSV, TSV, sitemap; gzip or not), `-` for stdin.

    Of a list: each line, or its first column, or the column whose header says `url`. Blank lines and comments (`#` at
    the beginning or after a space) are skipped; what cannot be used goes to `on_bad`. Raises SeedError where a source
    cannot be read, and at the end if there was nothing usable at all.
    """
    names = list(sources)
    found = False
    for source in names:
        for url in _from_source(source, on_bad):
            found = True
            yield url
    if not found:
        raise SeedError(f"{', '.join(map(_shown, names))}: no line that could be used as a seed")


def check(sources: Iterable[str], *, strict: bool = False) -> None:
    """Find out, before anything is fetched, whether each source can be read and holds something usable.

    Strict: whether every line can be used, at the price of reading them all. Pipes and stdin can be read only once and
    are left alone. Raises SeedError.
    """

    for source in sources:
        path = Path(source)
        if kind(source) == "stdin" or (path.exists() and not path.is_file() and not path.is_dir()):
            continue
        bad: deque[BadSeed] = deque(maxlen=1)
        stream = _from_source(source, _refuse if strict else bad.append)
        if next(stream, None) is None:
            why = f", as in {bad[0]}" if bad else ""
            raise SeedError(f"{_shown(source)}: no line that could be used as a seed{why}")
        if strict:
            deque(stream, maxlen=0)


def kind(source: str) -> Literal["stdin", "url", "file"]:
    """What a word on the command line means: `urls.txt` is a file even where there is none, `example.org` is a site."""
    if source == "-":
        return "stdin"
    if "://" in source:
        return "url"
    return "file" if Path(source).exists() or not _names_a_site(source) else "url"


def _names_a_site(word: str) -> bool:
    """Whether it leads to this machine, an address, a port, or below a public suffix (there is no top-level txt)."""
    try:
        url = parse(word)
    except UrlError:
        return False
    below = f"x.{urls.host(url)}"
    return url.text.startswith("http:") or urls.registered(below) != below


def parse(text: str) -> Url:
    """A seed as people write them. Raises UrlError."""
    return urls.parse(with_scheme(text))


def with_scheme(text: str) -> str:
    """The same with a scheme, if it had none: a name gets https, an address, localhost or host:port gets http.

    Raises UrlError where it is neither a URL nor a host name.
    """
    if "://" in text or text[:6].lower() in ("http:/", "https:"):
        return text
    if text.startswith("//"):
        return f"https:{text}"
    bare = _BARE.fullmatch(text)
    if bare is None:
        raise UrlError("neither a URL nor a host name")
    host, port = bare.groups()
    return f"{'http' if port or _is_local(host) else 'https'}://{text}"


def _is_local(host: str) -> bool:
    """Whether a browser would be given http: addresses and this machine. Raises UrlError for a word that is no host."""
    if urls.is_address(host.strip("[]")) or f".{host.lower()}".endswith(".localhost"):
        return True
    if "." not in host.strip(".") or host.rpartition(".")[2].isdigit():
        raise UrlError("neither a URL nor a host name")
    return False


def _refuse(bad: BadSeed) -> None:
    raise SeedError(str(bad))


def _from_source(source: str, on_bad: OnBad) -> Iterator[Url]:
    if kind(source) == "url":
        try:
            yield parse(source)
        except UrlError as error:
            raise SeedError(f"{source!r}: {error}") from error
        return
    with _opened(source) as stream:
        for line, text in _entries(source, stream, on_bad):
            try:
                yield parse(text)
            except UrlError as error:
                on_bad(BadSeed(_shown(source), line, text, _why(error)))


@contextmanager
def _opened(source: str) -> Iterator[io.BufferedReader[Any]]:
    """The bytes of a source, unpacked. Raises SeedError, also for what goes wrong while it is read."""
    name = _shown(source)
    try:
        with open(0 if source == "-" else source, "rb", closefd=source != "-") as file:
            if file.peek(2)[:2] != b"\x1f\x8b":
                yield file
                return
            with gzip.GzipFile(fileobj=file) as unpacked, io.BufferedReader(unpacked, BLOCK) as stream:
                yield stream
    except FileNotFoundError as error:
        raise SeedError(f"{name}: no such file{_nearest(Path(source))}") from error
    except IsADirectoryError as error:
        raise SeedError(f"{name}: a directory, not a list of URLs (to continue a crawl, repeat its command)") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SeedError(f"{name}: damaged gzip file: {error}") from error
    except OSError as error:
        raise SeedError(f"{name}: {error.strerror or error}") from error


def _entries(source: str, stream: io.BufferedReader[Any], on_bad: OnBad) -> Iterator[tuple[int, str]]:
    """Line number and text of whatever may be a seed."""
    block = stream.peek(BLOCK)
    if not block:
        raise SeedError(f"{_shown(source)}: empty")
    encoding = "utf-16" if block[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if b"\0" in block and encoding != "utf-16":
        raise SeedError(f"{_shown(source)}: a binary file, not a list of URLs")
    head = block[: BLOCK // 2 * 2].decode(encoding, "replace").lstrip()
    if head.startswith(("<?xml", "<urlset", "<sitemapindex")):
        yield from _from_sitemap(source, stream, on_bad)
        return
    delimiter = _delimiter(source, head)
    with io.TextIOWrapper(stream, encoding, errors="replace") as text:
        yield from _chosen(_from_table(text, delimiter) if delimiter else _from_list(text))


def _from_sitemap(source: str, stream: io.BufferedReader[Any], on_bad: OnBad) -> Iterator[tuple[int, str]]:
    """What stands in `<loc>` (sitemaps.org protocol 0.9). Declares no entity, so none can blow up."""
    parser, inside, found = expat.ParserCreate(), list[str](), list[tuple[int, str]]()
    text: list[str] | None = None

    def start(name: str, _: object) -> None:
        nonlocal text
        inside.append(name.rpartition(":")[2])
        if inside[-1] == "loc" and inside[-2:-1] in (["url"], ["sitemap"]):
            text = []

    def end(_: str) -> None:
        nonlocal text
        inside.pop()
        if text is not None:
            found.append((parser.CurrentLineNumber, "".join(text).strip()))
            text = None

    def characters(data: str) -> None:
        if text is not None and len(text) < MAX_LINE:
            text.append(data)

    def refuse(*_: object) -> None:
        raise SeedError(f"{_shown(source)}: a sitemap does not declare entities")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = characters, refuse
    try:
        while block := stream.read1(BLOCK):
            parser.Parse(block, False)
            yield from found
            found.clear()
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        yield from found
        on_bad(BadSeed(_shown(source), error.lineno, "", f"the rest is unread, for here the XML breaks: {error}"))


def _from_list(text: io.TextIOBase) -> Iterator[tuple[int, list[str]]]:
    """Lines as rows of one cell: a tab or a quoted first cell ends it, a comma may be part of the URL."""
    for number, line in _lines(text):
        cells = next(csv.reader([line]), [""]) if line.startswith('"') else [line.partition("\t")[0]]
        yield number, cells[:1]


def _from_table(text: io.TextIOBase, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    rows = csv.reader(("" if line.startswith("#") else line for _, line in _lines(text)), delimiter=delimiter)
    while True:
        try:
            yield rows.line_num + 1, next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield rows.line_num, [f"({error})"]


def _chosen(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, str]]:
    """The cell that counts, of rows that count: a header line says which, and is none."""
    column, is_first = 0, True
    for number, cells in rows:
        cell = cells[column].partition(" #")[0].strip() if column < len(cells) else ""
        if not cell or cell.startswith("#"):
            continue
        if is_first:
            is_first = False
            names = [name.strip().lower() for name in cells]
            column = next((names.index(name) for name in COLUMNS if name in names), -1)
            if column >= 0:
                continue
            column = 0
        yield number, cell


def _delimiter(source: str, head: str) -> str:
    """What separates columns: nothing in a plain list, unless its first line is the header of a table."""
    first = next((line for line in head.splitlines() if line.strip() and not line.startswith("#")), "")
    if "://" not in first:
        for delimiter in ",;\t":
            if delimiter in first and any(name.strip(' "').lower() in COLUMNS for name in first.split(delimiter)):
                return delimiter
    suffix = Path(source.lower().removesuffix(".gz")).suffix
    return {".csv": ",", ".tsv": "\t", ".tab": "\t"}.get(suffix, "")


def _lines(text: io.TextIOBase) -> Iterator[tuple[int, str]]:
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        yield number, line
        while len(line) == MAX_LINE and not line.endswith("\n"):
            line = text.readline(MAX_LINE)


def _why(error: UrlError) -> str:
    """The reason without the text, which the line shows anyway."""
    return str(error).partition(": ")[0]


def _shown(source: str) -> str:
    return "standard input" if source == "-" else source


def _nearest(path: Path) -> str:
    try:
        close = get_close_matches(path.name, [entry.name for entry in path.parent.iterdir()], 1)
    except OSError:
        close = []
    return f"; did you mean {path.with_name(close[0])}?" if close else "; for a web site, write https://..."
