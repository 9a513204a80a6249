"""Targets that read lists of seeds, in every format, from a file."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from hypothesis import strategies as st

from crawler import seeds, urls
from crawler.errors import SeedError, UrlError
from crawler.seeds import BadSeed, Taken, cells, columns
from tests.fuzz.target import Target, encoded, fed, soup
from tests.seeds.test_sheets import xlsx

A = "https://a.example/x"
LISTS = (
    f"{A}\nb.example\n# no\n",
    f'name,url\n"One, Two",{A}\nx,b.example\n',
    f"sep=;\na;{A}\n",
    f"| url |\n|---|\n| [x]({A}) |\n",
    f"{A}\tx\n",
)
SEPARATORS = ("\n", ",", ";", "\t", "|", '"', "'", "#", " ", A, "b.example", "[", "](", ")", "<", "=",
"=HYPERLINK(\"", "sep=;", "\r", "\0", "\ufeff", "1.2.3.4", "\ud800", "ü", "9" * 50)  # fmt: skip
JSON = (f'{{"url": "{A}", "n": 1}}\n{{"url": "b.example"}}\n', f'[\n"{A}", {{"a": {{"u": "{A}"}}}}, null, 1e5]')
BRACKETS = (
    "{",
    "}",
    "[",
    "]",
    '"',
    ":",
    ",",
    '"url":',
    "\\u0041",
    "\\",
    "9" * 5000,
    "1e999",
    "-",
    "null",
    "[" * 2000,
    "\n",
    f'"{A}"',
    "NaN",
)
HTML = (f"<!doctype html><dl><dt><a href='{A}' add_date=1>x</a><!-- <a href=y> --></dl>",)
XML = (f"<urlset><url><loc>{A}</loc></url></urlset>", f"<opml><body><outline xmlUrl='{A}'/></body></opml>")
TAGS = ("<a ", "href=", "'", '"', ">", "<!--", "-->", "&#99999999999999999999999;", "&amp;", "<", "</a>", "<url>",
"<loc>", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "\n", " ")  # fmt: skip
WARC = (f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {A}\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n",
' CDX N b a\na,example)/ 20200101000000 http://a.example/ x\n',
'a,example)/ 20200101000000 {"url": "http://a.example/"}\n')  # fmt: skip
RECORDS = (
    "WARC/1.0\r\n",
    "Content-Length: ",
    "9" * 5000,
    "-1",
    "\r\n\r\n",
    "\n\n",
    "WARC-Target-URI: ",
    A,
    " CDX a\n",
    "a)/ 20200101 {",
    "}",
    "\n",
    ":",
)
NAMES = ("urls.txt", "urls.csv", "urls.tsv", "urls.json")


def zipped(files: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return whole.getvalue()


def check_list(given: tuple[bytes, str, str | None]) -> None:
    """Some URLs, some lines that are none, or one SeedError: and the same again, when it is read again."""
    data, name, column = given
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        first = _read(path, column)
        assert _read(path, column) == first
        try:
            seeds.check([str(path)], column=column)
        except SeedError as error:
            assert "\n" not in str(error)


def _read(path: Path, column: str | None) -> object:
    bad, taken = list[BadSeed](), list[Taken]()
    found: list[str] = []
    try:
        for url in seeds.read([str(path)], bad.append, column=column, on_taken=taken.append):
            assert urls.parse(url.text) == url
            found.append(url.text)
    except SeedError as error:
        found.append(str(error))
    for one in bad:
        assert len(str(one)) < 2000
        orjson.dumps(str(one).encode("utf-8", "replace").decode())
    return found, [(one.line, one.why) for one in bad]


def _cell(text: str) -> None:
    cells.look(text)
    assert len(cells.clean(text)) <= len(text)
    columns.hint(text)
    try:
        sole = cells.sole(text)
        assert len(sole) <= cells.LONGEST
    except UrlError:
        pass
    assert seeds.kind(text.replace("\0", "")) in ("stdin", "url", "file")


def _listed(texts: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[bytes, str, str | None]]:
    return st.tuples(
        encoded(texts), st.sampled_from(NAMES), st.sampled_from((None, None, None, "url", "1", "0", "a.u"))
    )


def _packed(seeds_: tuple[bytes, ...], tokens: tuple[bytes, ...]) -> st.SearchStrategy[tuple[bytes, str, str | None]]:
    return st.tuples(fed(seeds_, tokens), st.sampled_from(NAMES), st.sampled_from((None, "url")))


_ARCHIVES = (
    gzip.compress(f"{A}\n".encode()) * 2, zipped({"a.txt": f"{A}\n".encode(), "b/c.csv": b"url\nb.example\n",
    "d.bin": b"\0" * 9}),
    xlsx([["url", "n"], [A, "2"], ["b.example", "3"]]), zipped({"mimetype": b"",
    "content.xml": b"<a><table-row number-rows-repeated='9'/></a>"}),
)  # fmt: skip
_BYTES = (
    b"PK\3\4",
    b"PK\5\6",
    b"\x1f\x8b\x08",
    b"BZh9",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"\0",
    b"\xff",
    b"\x01\0",
    A.encode(),
)
_ROW = "<row r='1'><c r='A1' t='inlineStr'><is><t>https://a.example/</t></is></c></row>"
_CELLS = (
    "<c r='",
    "ZZZ9999999",
    "'/>",
    "<row>",
    "</row>",
    "<v>",
    "9" * 30,
    "number-rows-repeated='²'",
    "<!ENTITY",
    "A1",
)
_SHEET = fed((_ROW, "<table-row table:number-rows-repeated='9'><table-cell/></table-row>"), _CELLS)

TARGETS = [
    Target("a list or table of seeds", _listed(fed(LISTS, SEPARATORS)), check_list),
    Target("seeds in JSON", _listed(fed(JSON, BRACKETS)), check_list),
    Target("seeds in HTML", _listed(fed(HTML, TAGS)), check_list),
    Target("seeds in XML", _listed(fed(XML, TAGS)), check_list),
    Target("seeds in archives of the web", _listed(fed(WARC, RECORDS)), check_list),
    Target("seeds in packed files", _packed(_ARCHIVES, _BYTES), check_list),
    Target("seeds in spreadsheets", _SHEET.map(lambda text: (xlsx([[A]], extra=text), "urls.xlsx", None)), check_list),
    Target(
        "a cell",
        soup(SEPARATORS) | fed((A, f"[x]({A})", f'=HYPERLINK("{A}")', "- [ ] b.example", "b.example, c"), SEPARATORS),
        _cell,
    ),
]
