"""What lists of seeds say, in every format they come in, and what they are packed in."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crawler import seeds
from crawler.errors import SeedError, UrlError
from crawler.seeds import archives, cells, columns, formats, markup, packing, records, sheets, tables, words, xml
from crawler.seeds.part import Lines, Part, Stream
from crawler.seeds.reports import BadSeed, Taken
from tests.linear.addresses import TEXTS
from tests.linear.markup import XML_FAULTY
from tests.linear.measure import Row, Shape, made, raw, runs
from tests.seeds.test_sheets import xlsx

URL = "https://a.example/x"
HEAD = 1 << 16
"""Bytes of a list by which its format is found."""


class Pieces:
    """A file that gives a few bytes at a time, as a pipe does."""

    def __init__(self, data: bytes, size: int = 1 << 16) -> None:
        self._data = memoryview(data)
        self._size = size
        self._at = 0

    def read1(self, size: int = -1, /) -> bytes:
        step = min(self._size, size) if size > 0 else self._size
        self._at += step
        return bytes(self._data[self._at - step : self._at])


def part_of(data: bytes, size: int = 1 << 16) -> Part:
    return Part("list", Stream(Pieces(data, size)), lambda bad: None)


def exhausted(read: Callable[[Any], Iterable[object]]) -> Callable[[Any], object]:
    """Reads all of it, where it may say that this is no list."""

    def tried(given: Any) -> object:
        try:
            return sum(1 for _ in read(given))
        except (SeedError, UrlError, *packing.DAMAGED) as error:
            return error

    return tried


def all_parts(data: bytes) -> Iterator[object]:
    for _, entries in formats.parts_of(part_of(data), None):
        yield from entries


def _zipped(files: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return whole.getvalue()


LINES = runs(
    f"{URL}\n", "a.example\n", "a\n", "\n", " \n", "#\n", '"\n', f'"{URL}"\n', f"{URL} {URL}\n", "a b c\n", "a,b,c\n",
    f"a,{URL},b\n", f'"a","{URL}"\n', '"a,', "a,", ",", ";", "|", "\t", "a\tb\n", f"a|{URL}\n", f"1. {URL}\n",
    f"- [x]({URL})\n", "[", "](", "[[](", "()", f"<{URL}>\n", f"={URL}\n", '=HYPERLINK("x")\n', '=HYPERLINK(', " ",
    "x", "x ",
    "\r", "\\", "'", "\0", "\ufeff", "\u0301", "é", "://", "http://", "www.", "http://a.", "a.", "1.", "https:", "//",
    "-", "- ",
    f"{URL},http", f"{URL}#", "%", "a@b.example\n", "1.2.3.4\n", "[::1]\n", '""', '""""', '","',
)  # fmt: skip
_FIELDS = ",".join([f'"f{j}":"x"' for j in range(60)])
JSON = {
    **runs("[", "{", '{"a":', '["', '"', "1", "1,", "9", "\\", '"\\u0041"', " ", ",", "null,",
        '{"url":"https://a.example/"}\n',
           '"https://a.example/",', "[1],", "{},", '{"a":{"a":', "-", "1e5,", "\n"),
    **runs("[", "{}", '"https://a.example/",', "1,", '{"u":"https://a.example/"},', "9", "[1],", '{"a":[', " ", "\n",
        head="["),
    **runs("x", "\\n", "\\u0041", "\u0301", "http://", head='["', tail='"]'),
    **runs('{"url":"https://a.example/","x":"y"}\n', '{"a":1}\n', "nonsense\n", '{"a":["https://a.example/"]}\n',
        head='{"url":"https://a.example/"}\n'),
    "many fields": lambda n: "{" + ",".join([f'"f{i}":"https://a.example/{i}"' for i in range(n // 34)]) + "}",
    "records of many fields": lambda n: f"{{{_FIELDS}}}\n" * (n // 600),
    "dotted names": lambda n: "{" + ",".join([f'"a{"." * (i % 50)}":"{URL}"' for i in range(n // 60)]) + "}",
    "a record of 64 bits a line": lambda n: '{"a":"https://a.example/"}\n' + '{"a":' + "9" * n + "}\n",
}  # fmt: skip
HTML = runs(
    "<a ", "<a href=", '<a href="', f'<a href="{URL}">', f"<A HREF='{URL}' ADD_DATE=\"1\">x</A>", "<!--", "<!---->",
    "<!-- <a href=x> ",
    "-->", "<", "a", "<a href=x ", "<a\n", "&", "&#9;", "<a href='&#65;'>", "\"", "'", "<a \"", "<a x='", "<dt>",
    "<a href",
    "<a href =", "<a href   ", "<a  ", head="<!doctype html><dl>",
)  # fmt: skip
XML = {
    **runs(f"<url><loc>{URL}</loc></url>", "<url>", "<a>", "<!--", "<![CDATA[", "&amp;", " ", "<loc>", head="<urlset>"),
    **runs(f'<outline xmlUrl="{URL}"/>', "<outline>", head="<opml>"),
    **runs(f"<item><link>{URL}</link></item>", "<item>", head="<rss>"),
    **runs(" a", "'", " a='b' ", head="<urlset"),
    "many attributes": lambda n: "<opml " + " ".join([f"a{i}='b'" for i in range(n // 9)]) + "/>",
}
WARC = {
    **runs(
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\nContent-Length: 0\r\n\r\n\r\n\r\n",
        "\r\n",
        "a: b\r\n",
        "a:",
        ":",
        "x",
        "\n",
        head="WARC/1.0\r\n",
    ),
    **runs("9", "0", " ", head="WARC/1.0\r\nContent-Length: ", tail="\r\n\r\n"),
}
INDEX = runs(
    'a,example)/ 20200101 {"url":"http://a.example/"}\n',
    " ",
    "a ",
    "x",
    "\n",
    "{",
    "}",
    "a a a}\n",
    "!",
    " CDX\n",
    head=" CDX N b a m s k r M S V g\n",
)
HTML_LINE = f"<!doctype html><a href={URL}>".encode()
PACKED: dict[str, Shape] = {
    "gzip of nothing, again and again": lambda n: gzip.compress(b"") * (n // 20),
    "gzip of a byte, again and again": lambda n: gzip.compress(b"x") * (n // 21),
    "gzip of lines": lambda n: gzip.compress(f"{URL}\n".encode() * (n // 20)),
    "bzip2 of a byte, again and again": lambda n: bz2.compress(b"x") * (n // 37),
    "xz of a byte, again and again": lambda n: lzma.compress(b"x") * (n // 60),
    "xz and zeros": lambda n: lzma.compress(b"x") + b"\0" * n,
    "zstd of nothing, again and again": lambda n: b"\x28\xb5\x2f\xfd\x20\0\1\0\0" * (n // 9),
    "zstd that is skipped": lambda n: b"\x28\xb5\x2f\xfd\x20\0\1\0\0" + b"\x50\x2a\x4d\x18\0\0\0\0" * (n // 8),
    "gzip of bookmarks, a byte at a time": lambda n: b"".join(
        [gzip.compress(bytes([byte])) for byte in HTML_LINE * (n // 800)]
    ),
    **raw(runs("x", "\0", head="\x1f\x8b\x08")),
}
ZIPS: dict[str, Shape] = {
    "many files": lambda n: _zipped({f"f{i}.txt": b"http://a.example/\n" for i in range(n // 150)}),
    "many empty files": lambda n: _zipped({f"f{i}": b"" for i in range(n // 100)}),
    "one file": lambda n: _zipped({"f.txt": f"{URL}\n".encode() * (n // 20)}),
    "a file of blanks": lambda n: _zipped({"f.txt": b" " * n}),
    "long names": lambda n: _zipped({f"{i}/{'d/' * 500}x.txt": b"a.example\n" for i in range(n // 2200)}),
    "no directory": lambda n: b"PK\3\4" * (n // 4),
    "ends of directories": lambda n: b"PK\3\4" + b"PK\5\6" * (n // 4),
}  # fmt: skip


def _row(width: int) -> list[str]:
    return [URL] + ["x"] * (width - 1)


SHEETS: dict[str, Shape] = {
    "rows": lambda n: xlsx([[URL, "x"]] * (n // 60)),
    "columns": lambda n: xlsx([[URL, "x"]] * 3, extra="<row><c/></row>" * (n // 15)),
    "a long cell": lambda n: xlsx([[URL, "x" * n]] * 2),
    "markup": lambda n: xlsx([[URL]] * 2, extra="<!---->" * (n // 7)),
    "repeated": lambda n: xlsx([[URL]] * 2, extra='<table-row number-rows-repeated="9"/>' * (n // 37)),
}


def _sheets(data: bytes) -> Iterator[object]:
    file = io.BytesIO(data)
    with zipfile.ZipFile(file) as archive:
        if sheets.is_sheet(archive):
            yield from sheets.read_sheets(part_of(b""), archive, file)


def _in_file(data: bytes) -> Iterator[object]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "urls.url.txt"
        path.write_bytes(data)
        yield from seeds.read([str(path)])


def _requests_in_file(data: bytes) -> Iterator[object]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "urls.url.txt"
        path.write_bytes(data)
        yield from seeds.read_requests([str(path)])


def _checked(data: bytes) -> Iterator[object]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "urls.url.txt"
        path.write_bytes(data)
        seeds.check([str(path)], strict=True)
        yield path


def _unzipped(data: bytes) -> Iterator[object]:
    with ExitStack() as stack:
        whole = packing.seekable(Stream(Pieces(data)), None, stack)
        yield from packing.members("list", stack.enter_context(zipfile.ZipFile(whole)))


def _unpacked(data: bytes) -> Iterator[object]:
    stream = packing.unpack("list", Stream(Pieces(data)))
    while block := stream.read1():
        yield block


def _numbered(text: str) -> list[tuple[int, str]]:
    return [*enumerate(text.split("\n")[:1000], 1)]


def _shape(lines: list[tuple[int, str]]) -> Iterator[object]:
    yield columns.shape_of(lines, 0, "urls.url.csv", None)
    yield columns.shape_of(lines, 0, "urls.url.csv", "url")


SAMPLE = 1 << 18
"""Characters by which the shape of a list is found; and `MAX_LINE` is half of that."""
CELL = {**runs("[", "](", "[[](", "()", "[x](y", "![", "- [ ] ", "1. ", "=HYPERLINK(", '="', "'", '"', "<", "(", ",",
    ";", "|", " ", "x", "x ", "a.",
               "www.", "http://", "https:", "://", "\u200b", "\u0301", "\t", "\0", "[a]: ", "(a)", "a(b)", "URL:",
               "\\"),
        **runs("[]", "[a]", "()", "(a", "x", "\\", head="[x](", tail=")"), **runs("[]", "[a]", "x", "[", head="[",
            tail="](x)"),
        **runs(",", "a", "x=", ",x=", head="http://a.example,"), **runs("\"", "x", head="=HYPERLINK(")}  # fmt: skip

_SOME = dict([*LINES.items()][::5])
"""Of shapes that the readers behind this door are given all of."""
ROWS = [
    Row("seeds.reading.read", exhausted(_in_file), raw({**_SOME, **JSON})),
    Row("seeds.reading.read_requests", exhausted(_requests_in_file), raw({**_SOME, **JSON})),
    Row("seeds.reading.check", exhausted(_checked), raw(_SOME)),
    Row(
        "seeds.formats.parts_of",
        exhausted(all_parts),
        {**raw({**_SOME, **JSON, **HTML, **XML, **WARC, **INDEX}), **PACKED, **ZIPS},
    ),
    Row("seeds.formats.parts_of in UTF-16", exhausted(all_parts), raw({**_SOME, **JSON}, "utf-16")),
    Row("seeds.tables.read_text", exhausted(lambda data: tables.read_text(part_of(data), "utf-8")), raw(LINES)),
    Row(
        "seeds.tables.read_text of a pipe",
        exhausted(lambda data: tables.read_text(part_of(data, 100), "utf-8")),
        raw(LINES),
    ),
    Row(
        "seeds.tables.read_rows",
        exhausted(
            lambda text: tables.read_rows(
                part_of(b""),
                columns.Shape(",", 0, rival=cells.Look.HOST),
                ((n, line.split(",")) for n, line in enumerate(text.split("\n"), 1)),
            )
        ),
        LINES,
    ),
    Row("seeds.records.read_json", exhausted(lambda data: records.read_json(part_of(data), "utf-8")), raw(JSON)),
    Row(
        "seeds.records.read_json of a pipe",
        exhausted(lambda data: records.read_json(part_of(data, 100), "utf-8")),
        raw(JSON),
    ),
    Row("seeds.records.is_json", records.is_json, {**JSON, **LINES}, most=HEAD),
    Row("seeds.markup.read_html", exhausted(lambda data: markup.read_html(part_of(data), "utf-8")), raw(HTML)),
    Row(
        "seeds.markup.read_html of a pipe",
        exhausted(lambda data: markup.read_html(part_of(data, 100), "utf-8")),
        raw(HTML),
    ),
    Row("seeds.xml.read_xml", exhausted(lambda data: xml.read_xml(part_of(data))), raw(XML)),
    Row("seeds.xml.read_xml of faulty lists", exhausted(lambda data: xml.read_xml(part_of(data))), raw(XML_FAULTY)),
    Row("seeds.archives.read_warc", exhausted(lambda data: archives.read_warc(part_of(data))), raw(WARC)),
    Row(
        "seeds.archives.read_warc of a pipe", exhausted(lambda data: archives.read_warc(part_of(data, 100))), raw(WARC)
    ),
    Row("seeds.archives.read_index", exhausted(lambda data: archives.read_index(part_of(data), "utf-8")), raw(INDEX)),
    Row(
        "seeds.archives.is_index",
        archives.is_index,
        {**INDEX, **LINES, **runs(" ", "a", "1", "a)", ")", head="a)"), **runs("-", "w", head="!")},
        most=HEAD,
    ),
    Row("seeds.packing.unpack", exhausted(_unpacked), PACKED),
    Row("seeds.packing.is_zip", lambda data: packing.is_zip(Stream(Pieces(data, 1))), raw(LINES)),
    Row("seeds.packing.members", exhausted(_unzipped), ZIPS),
    Row("seeds.packing.seekable", exhausted(_unzipped), raw(runs("x", "PK", "\0"))),
    Row("seeds.sheets.read_sheets", exhausted(_sheets), SHEETS),
    Row("seeds.sheets.is_sheet", exhausted(_sheets), ZIPS),
    Row("seeds.part.Lines", exhausted(lambda data: Lines(Stream(Pieces(data, 1000)), "utf-8")), raw(LINES)),
    Row(
        "seeds.part.Lines of records", exhausted(lambda data: Lines(Stream(Pieces(data)), "utf-8", 1 << 24)), raw(LINES)
    ),
    Row("seeds.part.Stream.head", lambda data: Stream(Pieces(data, 10)).head(), raw(LINES)),
    Row("seeds.part.Part.bad", lambda text: part_of(b"").bad(1, text, text), LINES),
    Row("seeds.cells.clean", cells.clean, CELL),
    Row("seeds.cells.sole", exhausted(lambda text: [cells.sole(text)]), {**CELL, **LINES}),
    Row("seeds.cells.look", cells.look, {**CELL, **LINES}),
    Row("seeds.cells.is_one", cells.is_one, {**CELL, **TEXTS}),
    Row("seeds.cells.is_plain", cells.is_plain, {**CELL, **TEXTS, **runs("a-", "a.", "-", ".a", "a.b", "1.", "a.1")}),
    Row("seeds.cells.is_address", cells.is_address, {**CELL, **runs("1", "1.", ":", "f", "0:", ".", "[", " ")}),
    Row("seeds.columns.split", lambda text: columns.split(text.split("\n"), ","), LINES),
    Row("seeds.columns.split at blanks", lambda text: columns.split(text.split("\n"), " "), LINES),
    Row("seeds.columns.shape_of", exhausted(_shape), made(LINES, _numbered), most=SAMPLE),
    Row(
        "seeds.columns.shape_of_rows",
        lambda rows: columns.shape_of_rows([(n, line.split(",")) for n, line in rows], None),
        made(LINES, _numbered),
        most=SAMPLE,
    ),
    Row("seeds.columns.weigh", lambda text: columns.weigh(0, text, text.split("\n"), 1000), LINES, most=SAMPLE),
    Row("seeds.columns.hint", columns.hint, {**CELL, **runs("Url", "aB", "_", "url ")}),
    Row("seeds.words.with_scheme", exhausted(lambda text: [words.with_scheme(text)]), TEXTS),
    Row("seeds.words.parse", exhausted(lambda text: [words.parse(text)]), TEXTS),
    Row("seeds.words.kind", lambda text: words.kind(text.replace("\0", "")), TEXTS, most=4000),
    Row("seeds.words.names_a_site", words.names_a_site, TEXTS),
    Row("seeds.reports.BadSeed", lambda text: str(BadSeed("list", 1, text, "why")), LINES),
    Row("seeds.reports.Taken.line", lambda text: Taken(text, text).line(), LINES),
]
