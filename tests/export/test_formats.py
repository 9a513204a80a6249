"""Workbooks, databases, tables of links and sitemaps hold the records, and are what other tools expect."""

from __future__ import annotations

import csv
import io
import shutil
import sqlite3
import subprocess
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from python_calamine import CalamineWorkbook

from crawler import ConfigError, FolderError, export_folder
from crawler.export import xlsx
from crawler.export.schemas import COMMON_CRAWL, SCRAPY
from crawler.sinks.columns import COLUMNS
from crawler.sinks.rows import escape_lines
from tests.export.conftest import MakeFolder, page
from tests.export.test_tables import EVIL

A = "http://a.example"
OFFICE = shutil.which("soffice")
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def _table(path: Path, **choice: Any) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _sheets(path: Path) -> list[list[list[Any]]]:
    book = CalamineWorkbook.from_path(str(path))
    return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]


def test_a_workbook_holds_all_fields_and_every_text_as_text(make: MakeFolder, tmp_path: Path) -> None:
    harmless = ["a & b <c>", "trailing ", "日本", 'he said "x"', "_x0041_", "null"]
    folder = make([page(f"{A}/{n}?a=1&b=2", text, n_links=n) for n, text in enumerate([*EVIL, *harmless])])
    export_folder(folder, "xlsx", tmp_path / "a.xlsx")
    [[names, *rows]] = _sheets(tmp_path / "a.xlsx")
    assert tuple(names) == COLUMNS
    at = {name: n for n, name in enumerate(names)}
    assert [row[at["url"]] for row in rows] == [f"{A}/{n}?a=1&b=2" for n in range(len(rows))]
    assert [row[at["n_links"]] for row in rows] == list(range(len(rows)))
    assert rows[0][at["timings.queue"]] == 1.5
    assert [row[at["title"]] for row in rows] == [*map(escape_lines, EVIL), *harmless]
    with zipfile.ZipFile(tmp_path / "a.xlsx") as packed:
        sheet = packed.read("xl/worksheets/sheet1.xml").decode()
        assert {name for name in packed.namelist() if "sheet" not in name and "workbook" not in name} == {
            "[Content_Types].xml", "_rels/.rels", "xl/styles.xml",
        }  # fmt: skip
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert 'state="frozen"' in sheet
    assert f'<autoFilter ref="A1:AK{len(rows) + 1}"/>' in sheet


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not OFFICE, reason="there is no LibreOffice to judge a workbook")
def test_libreoffice_opens_a_workbook_and_runs_nothing_in_it(make: MakeFolder, tmp_path: Path) -> None:
    folder = make([page(f"{A}/{n}?a&b", text, n_links=n) for n, text in enumerate(EVIL)])
    export_folder(folder, "xlsx", tmp_path / "a.xlsx", fields=["url", "title", "n_links"])
    command = [str(OFFICE), "--headless", f"-env:UserInstallation={(tmp_path / 'office').as_uri()}", "--convert-to"]
    subprocess.run(
        [*command, "csv:Text - txt - csv (StarCalc):44,34,76", "--outdir", tmp_path, tmp_path / "a.xlsx"], check=True
    )
    rows = [tuple(row.values()) for row in _table(tmp_path / "a.csv")]
    shown = [escape_lines(text) for text in EVIL]
    assert rows == [(f"{A}/{n}?a&b", text, str(n)) for n, text in enumerate(shown)]


@pytest.mark.long
def test_openpyxl_finds_texts_a_frozen_row_and_filters(make: MakeFolder, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl judges a workbook, where it is installed")
    export_folder(make([page(f"{A}/{n}", text) for n, text in enumerate(EVIL)]), "xlsx", tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["pages"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", f"A1:AK{len(EVIL) + 1}")
    at = COLUMNS.index("title")
    cells = [row[at] for row in sheet.iter_rows(min_row=2)]
    assert [cell.value or "" for cell in cells] == [escape_lines(text) for text in EVIL]
    assert {cell.data_type for cell in cells if cell.value} == {"s"}


def test_the_limits_of_a_sheet_and_of_a_cell_are_kept(
    make: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 4)
    folder = make([page(f"{A}/{n}", "x" * 40_000 if n == 1 else "\U0001f600" * 20_000) for n in range(7)])
    export_folder(folder, "xlsx", tmp_path / "a.xlsx", fields=["url", "title"])
    sheets = _sheets(tmp_path / "a.xlsx")
    assert [[row[0] for row in rows] for rows in sheets] == [
        ["url", f"{A}/0", f"{A}/1", f"{A}/2"], ["url", f"{A}/3", f"{A}/4", f"{A}/5"], ["url", f"{A}/6"],
    ]  # fmt: skip
    cut, wide = sheets[0][2][1], sheets[0][1][1]
    assert (len(cut), cut[-7:]) == (xlsx.MOST_CHARS, "x [cut]")
    assert len(wide.encode("utf-16-le")) // 2 in (xlsx.MOST_CHARS, xlsx.MOST_CHARS - 1)
    assert wide.endswith("\U0001f600 [cut]")


def test_a_workbook_of_nothing_has_the_names_of_its_columns(make: MakeFolder, tmp_path: Path) -> None:
    export_folder(make([]), "xlsx", tmp_path / "a.xlsx", fields=["url", "status"])
    assert _sheets(tmp_path / "a.xlsx") == [[["url", "status"]]]


def test_a_database_has_pages_links_and_what_finds_them(make: MakeFolder, tmp_path: Path) -> None:
    facts = {"links": [[f"{A}/b", "anchors", "To B", "part"], [f"{A}/c", "images"]]}
    folder = make(
        [
            page(f"{A}/", "A", data={"price": 3}, audit=facts, length=1 << 40, warc={"filename": "w", "offset": 7}),
            page(f"{A}/b", "=1", links=[f"{A}/"], requisite=True),
            page(f"{A}/", "Later", visit=2),
        ]
    )
    out = tmp_path / "a.sqlite"
    export_folder(folder, "sqlite", out)
    with sqlite3.connect(out) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute(
            "SELECT url, status, title, timings_queue, length, warc_offset, data ->> 'price', requisite FROM pages"
        ).fetchall() == [
            (f"{A}/", 200, "A", 1.5, 1 << 40, 7, 3, None), (f"{A}/b", 200, "=1", 1.5, None, None, None, 1),
            (f"{A}/", 200, "Later", 1.5, None, None, None, None),
        ]  # fmt: skip
        assert database.execute("SELECT source, target, kind, text FROM edges ORDER BY rowid").fetchall() == [
            (f"{A}/", f"{A}/b", "anchors", "To B"), (f"{A}/", f"{A}/c", "images", None),
            (f"{A}/b", f"{A}/", None, None),
        ]  # fmt: skip
        assert database.execute("SELECT title FROM newest ORDER BY id").fetchall() == [("=1",), ("Later",)]
        plan = str(database.execute("EXPLAIN QUERY PLAN SELECT * FROM pages WHERE url = ''").fetchall())
        assert "pages_url" in plan
    export_folder(folder, "sqlite", out, fields=["url", "data.price"], where="data.price is not null")
    with sqlite3.connect(out) as database:
        assert database.execute("SELECT * FROM pages").fetchall() == [(f"{A}/", "3")]
        assert database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall() == [
            ("pages",)
        ]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.crawl", "a.sqlite"]


def test_values_that_no_record_has_are_stored_as_text(make: MakeFolder, tmp_path: Path) -> None:
    folder = make([page(f"{A}/", "A"), page(f"{A}/b", length=1 << 63), {**page(f"{A}/c"), "title": ["x"]}])
    export_folder(folder, "sqlite", tmp_path / "a.sqlite")
    with sqlite3.connect(tmp_path / "a.sqlite") as database:
        assert database.execute("SELECT title, CAST(length AS TEXT) FROM pages").fetchall() == [
            ("A", None), (None, "9.22337203685478e+18"), ('["x"]', None),
        ]  # fmt: skip


def test_links_are_those_of_the_newest_visits_and_redirects(make: MakeFolder, tmp_path: Path) -> None:
    folder = make(
        [
            page(f"{A}/", links=[f"{A}/old"]),
            page(f"{A}/m", status=301, disposition="redirected", location=f"{A}/t"),
            page(f"{A}/b", audit={"links": [[f"{A}/", "anchors", "=Home", ""], [f"{A}/x", "anchors", "", "part"]]}),
            page(f"{A}/", visit=2, links=[f"{A}/new", f"{A}/b"]),
        ]
    )
    export_folder(folder, "links", tmp_path / "links.csv")
    assert [tuple(row.values()) for row in _table(tmp_path / "links.csv")] == [
        (f"{A}/m", f"{A}/t", "redirect", ""), (f"{A}/b", f"{A}/", "anchors", "'=Home"),
        (f"{A}/b", f"{A}/x#part", "anchors", ""), (f"{A}/", f"{A}/new", "", ""), (f"{A}/", f"{A}/b", "", ""),
    ]  # fmt: skip
    export_folder(folder, "links", tmp_path / "some.csv", where='url = "http://a.example/b"')
    assert len(_table(tmp_path / "some.csv")) == 2
    with pytest.raises(FolderError, match="its records hold no links; crawl with --links"):
        export_folder(make([page(f"{A}/")]), "links", tmp_path / "none.csv")
    assert not (tmp_path / "none.csv").exists()


def _locations(path: Path) -> list[tuple[str, str | None]]:
    root = ET.parse(path).getroot()
    return [(one.findtext(f"{SITEMAP}loc") or "", one.findtext(f"{SITEMAP}lastmod")) for one in root]


def test_a_sitemap_names_the_pages_that_search_engines_should_show(make: MakeFolder, tmp_path: Path) -> None:
    changed = "Sun, 01 Nov 2026 10:00:00 GMT"
    folder = make(
        [
            page(f"{A}/?a=1&b='2'", last_modified=changed),
            page(f"{A}/self", canonical=f"{A}/self", robots="index, follow, max-snippet:-1"),
            page(f"{A}/later", last_modified="Sun, 01 Nov 2030 10:00:00 GMT"),
            page(f"{A}/gone"),
            page(f"{A}/still", last_modified=changed),
            page(f"{A}/other", canonical=f"{A}/self"),
            page(f"{A}/hidden", robots="NoIndex"),
            page(f"{A}/none", robots="none"),
            page(f"{A}/copy", disposition="duplicate", reason="duplicate"),
            page(f"{A}/404", status=404, disposition="failed"),
            page(f"{A}/x.png", content_type="image/png"),
            page(f"{A}/need", requisite=True),
            page(f"{A}/{'x' * 2048}"),
            page("http://../evil"),
            page(f"{A}/doc", content_type="application/pdf"),
            page(f"{A}/gone", visit=2, status=410, disposition="failed"),
            page(f"{A}/still", visit=2, status=304, disposition="unchanged", content_type=None),
        ]
    )
    export_folder(folder, "sitemap", tmp_path / "map")
    assert [one.name for one in (tmp_path / "map").iterdir()] == ["sitemap.xml"]
    assert _locations(tmp_path / "map/sitemap.xml") == [
        (f"{A}/?a=1&b='2'", "2026-11-01T10:00:00Z"), (f"{A}/doc", None), (f"{A}/later", None), (f"{A}/self", None),
        (f"{A}/still", "2026-11-01T10:00:00Z"),
    ]  # fmt: skip
    text = (tmp_path / "map/sitemap.xml").read_text()
    assert "?a=1&amp;b=&apos;2&apos;" in text
    with pytest.raises(FolderError, match="no page that a sitemap could name"):
        export_folder(make([page(f"{A}/", status=404)]), "sitemap", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_each_site_has_a_sitemap_and_a_large_one_an_index(
    make: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.export.sitemap.MOST_URLS", 3)
    urls = [f"https://b.example:8443/{n}" for n in range(7)] + ["http://b.example/", "https://b.example/"]
    export_folder(make([page(url) for url in urls]), "sitemap", tmp_path / "map")
    place = tmp_path / "map"
    assert sorted(path.relative_to(place).as_posix() for path in place.rglob("*.xml")) == [
        "b.example-http/sitemap.xml", "b.example/sitemap.xml", *[f"b.example_8443/sitemap-{n}.xml" for n in (1, 2, 3)],
        "b.example_8443/sitemap.xml",
    ]  # fmt: skip
    assert ET.parse(place / "b.example_8443/sitemap.xml").getroot().tag == f"{SITEMAP}sitemapindex"
    parts = _locations(place / "b.example_8443/sitemap.xml")
    assert parts == [(f"https://b.example:8443/sitemap-{n}.xml", None) for n in (1, 2, 3)]
    found = [_locations(place / f"b.example_8443/sitemap-{n}.xml") for n in (1, 2, 3)]
    assert [len(one) for one in found] == [3, 3, 1]
    assert [url for one in found for url, _ in one] == urls[:7]


def test_columns_are_called_as_common_crawl_calls_them(make: MakeFolder, tmp_path: Path) -> None:
    folder = make(
        [
            page(
                "https://www.news.example.co.uk:8443/a/b?q=1&x", content_type="Text/HTML; charset=utf-8",
                charset="utf-8", digest="sha256:00", warc={"filename": "w.gz", "offset": 3, "length": 9},
            ),
            page("http://user.github.io/", status=301, location="http://user.github.io/x"),
            page("http://192.0.2.1/", status=None),
        ]
    )  # fmt: skip
    export_folder(folder, "csv", tmp_path / "a.csv", schema="commoncrawl")
    first, second, third = _table(tmp_path / "a.csv")
    assert tuple(first) == tuple(COMMON_CRAWL)
    assert {name: value for name, value in first.items() if value} == {
        "url_surtkey": "uk,co,example,news:8443)/a/b?q=1&x", "url": "https://www.news.example.co.uk:8443/a/b?q=1&x",
        "url_host_name": "www.news.example.co.uk", "url_host_tld": "uk", "url_host_2nd_last_part": "co",
        "url_host_3rd_last_part": "example", "url_host_4th_last_part": "news", "url_host_5th_last_part": "www",
        "url_host_registry_suffix": "co.uk", "url_host_registered_domain": "example.co.uk",
        "url_host_private_suffix": "co.uk", "url_host_private_domain": "example.co.uk",
        "url_host_name_reversed": "uk.co.example.news.www", "url_protocol": "https", "url_port": "8443",
        "url_path": "/a/b", "url_query": "q=1&x", "fetch_time": "2026-11-01T12:00:00.123Z", "fetch_status": "200",
        "content_digest": "sha256:00", "content_mime_type": "text/html", "content_charset": "utf-8",
        "warc_filename": "w.gz", "warc_record_offset": "3", "warc_record_length": "9", "subset": "warc",
    }  # fmt: skip
    assert (second["url_host_registry_suffix"], second["url_host_registered_domain"]) == ("io", "github.io")
    assert (second["url_host_private_suffix"], second["url_host_private_domain"]) == ("github.io", "user.github.io")
    assert (second["fetch_redirect"], second["subset"]) == ("http://user.github.io/x", "crawldiagnostics")
    assert (third["url_host_tld"], third["url_host_name_reversed"], third["url_host_name"]) == ("", "", "192.0.2.1")


def test_columns_are_called_as_scrapy_calls_them(make: MakeFolder, tmp_path: Path) -> None:
    folder = make(
        [
            page(f"{A}/", "T", via=f"{A}/from", attempt=3, ip="192.0.2.1", data={"price": 3},
                 timings={"queue": 500.0, "dns": 1.0, "connect": 2.0, "ttfb": 30.0}),
            page(f"{A}/x", timings=None),
        ]
    )  # fmt: skip
    export_folder(folder, "csv", tmp_path / "a.csv", schema="scrapy")
    first, second = _table(tmp_path / "a.csv")
    assert tuple(first) == tuple(SCRAPY)
    assert (first["referer"], first["retry_times"], first["ip_address"]) == (f"{A}/from", "2", "192.0.2.1")
    assert (first["download_latency"], second["download_latency"], first["data"]) == ("0.033", "", '{"price":3}')
    export_folder(
        folder, "jsonl", tmp_path / "a.jsonl", schema="scrapy", fields=["url", "data.price"], where="title = 'T'"
    )
    assert (tmp_path / "a.jsonl").read_text() == '{"url":"http://a.example/","price":3}\n'


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "xlsx", "sqlite"])
def test_a_condition_chooses_the_records_of_each_format(make: MakeFolder, tmp_path: Path, form: str) -> None:
    folder = make([page(f"{A}/{n}", f"T{n}", status=200 + 100 * (n % 3), depth=n) for n in range(1200)])
    where = 'status >= 300 and depth < 10 and title matches "[2457]$"'
    export_folder(folder, form, tmp_path / f"a.{form}", fields=["url"], where=where)
    content = (tmp_path / f"a.{form}").read_bytes()
    if form == "xlsx":
        content = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert content.count(f"{A}/".encode()) == 4
    export_folder(folder, "jsonl", tmp_path / "plain.jsonl", fields=["depth"], where=where)
    assert (tmp_path / "plain.jsonl").read_text() == '{"depth":2}\n{"depth":4}\n{"depth":5}\n{"depth":7}\n'


WRONG = [
    ({"where": "statsu > 3"}, "csv", r"--where: column 1: no record has a field 'statsu'; did you mean status"),
    ({"where": "status > 3"}, "cdxj", r"--where: the format cdxj is not made of records"),
    ({"where": "status > 3"}, "mirror", r"--where: the format mirror is not made of records"),
    ({"schema": "comoncrawl"}, "csv", r"--schema: 'comoncrawl' is no schema; did you mean commoncrawl"),
    ({"schema": "scrapy"}, "links", r"--schema: the format links has none"),
    (
        {"schema": "scrapy", "fields": ["referrer"]},
        "csv",
        r"the schema scrapy has no column 'referrer'; did you mean refer",
    ),
    ({"fields": ["url"]}, "sitemap", r"--fields: the format sitemap has none"),
    (
        {"schema": "scrapy", "fields": ["url", "data.URL"]},
        "sqlite",
        r"--fields: two columns of SQL would be called url",
    ),
]


@pytest.mark.parametrize(("choice", "form", "words"), WRONG)
def test_a_wrong_choice_is_told_in_one_line_and_leaves_nothing(
    make: MakeFolder, tmp_path: Path, choice: dict[str, Any], form: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        export_folder(make([page(f"{A}/")]), form, tmp_path / "out", **choice)
    assert "\n" not in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == ["a.crawl"]


def test_a_damaged_record_is_told_in_one_line_and_leaves_nothing(make: MakeFolder, tmp_path: Path) -> None:
    folder = make([page(f"{A}/")])
    with (folder.path / "pages.jsonl").open("ab") as file:
        file.write(b'{"v":1,"url":"htt\n')
    for form in ("csv", "xlsx", "sqlite", "sitemap"):
        with pytest.raises(FolderError, match=r"a\.crawl is damaged: a line of its output is no JSON"):
            export_folder(folder, form, tmp_path / "out")
    assert [one.name for one in tmp_path.iterdir()] == ["a.crawl"]
