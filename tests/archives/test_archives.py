"""Archives of other makers: as they pack, frame, pair and shorten their records."""

from __future__ import annotations

import gzip
import io
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

import crawler
from crawler import ConfigError, FetchError, Request, Response, Url
from crawler.testing import Site, Web, chunked, error, html, open_web, redirect
from tests.warc.samples import answer, frames, members, one_stream, question, record

URL = "http://a.example/"
QUICK: dict[str, Any] = {"executor": "inline"}


async def ask(path: Path | Sequence[Path], *wanted: str | Request, **settings: Any) -> list[Response | str]:
    """Returns the archived answers to requests, or why there is none."""
    paths = [path] if isinstance(path, Path) else path
    got: list[Response | str] = []
    async with crawler.open_crawl(archives=[str(one) for one in paths], **QUICK, **settings) as crawl:
        fetcher = crawl.archives
        assert fetcher is not None
        for one in wanted:
            try:
                response = await fetcher.fetch(one if isinstance(one, Request) else Request(Url(one)))
                response.release()
                got.append(response)
            except FetchError as failure:
                got.append(str(failure))
        assert fetcher.budget.used == 0
    return got


async def bodies(path: Path | Sequence[Path], *wanted: str | Request, **settings: Any) -> list[bytes | str]:
    return [one if isinstance(one, str) else one.body for one in await ask(path, *wanted, **settings)]


def written(tmp_path: Path, data: bytes, name: str = "x.warc.gz") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def page(n: int, body: bytes = b"", **fields: str) -> bytes:
    return record("response", answer(body or b"<p>%d" % n), f"{URL}{n}", **fields)


@pytest.mark.parametrize("pack", [members, one_stream, frames, b"".join])
async def test_every_packing_answers_any_request_again_and_again(tmp_path: Path, pack: Any) -> None:
    path = written(tmp_path, pack([page(1), page(2), page(3, b"x" * 300_000)]))
    wanted = [f"{URL}{n}" for n in (3, 1, 2, 3)]
    assert await bodies(path, *wanted) == [b"x" * 300_000, b"<p>1", b"<p>2", b"x" * 300_000]


def warcio_file(tmp_path: Path, *, version: str, gzipped: bool) -> Path:
    """Writes pages and their requests as warcio does, which Browsertrix, pywb and others are made with."""
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=gzipped, warc_version=version)
    writer.write_record(writer.create_warcinfo_record("x.warc", {"software": "warcio"}))
    for n in range(3):
        head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
        payload = io.BytesIO(b"<p>%d" % n)
        made = writer.create_warc_record(f"{URL}{n}", "response", payload=payload, http_headers=head)
        asked = StatusAndHeaders(f"GET /{n} HTTP/1.1", [("Host", "a.example")], is_http_request=True)
        asking = writer.create_warc_record(f"{URL}{n}", "request", http_headers=asked)
        writer.write_request_response_pair(asking, made)
        made.raw_stream.close()
        asking.raw_stream.close()
    return written(tmp_path, buffer.getvalue())


@pytest.mark.parametrize("version", ["WARC/1.0", "WARC/1.1"])
@pytest.mark.parametrize("gzipped", [True, False])
async def test_archives_of_warcio_are_read(tmp_path: Path, version: str, gzipped: bool) -> None:
    path = warcio_file(tmp_path, version=version, gzipped=gzipped)
    assert await bodies(path, f"{URL}0", f"{URL}2") == [b"<p>0", b"<p>2"]


@pytest.mark.skipif(shutil.which("wget") is None, reason="wget is not installed")
async def test_an_archive_of_wget_is_replayed(tmp_path: Path) -> None:
    pages = {"/": html("Home", ["/1", "/moved", "/gone"]), "/1": chunked(html("One")), "/moved": redirect("/1"),
             "/gone": error(404)}  # fmt: skip
    async with open_web(Web([Site("a.test", pages)])) as served:
        command = ["wget", "-q", "-r", "--warc-file=wget", served.seeds[0]]
        await anyio.run_process(command, cwd=tmp_path, check=False)
        home = served.seeds[0]
    summary = await crawler.replay(tmp_path / "wget.warc.gz", [home], folder=tmp_path / "again", **QUICK)
    assert summary.dispositions == {"fetched": 2, "redirected": 1, "failed": 1}
    assert summary.reasons == {"status-4xx": 1}


async def test_the_shape_of_common_crawl_is_read(tmp_path: Path) -> None:
    """Decoded bodies under renamed fields; the request comes first; robots.txt is in no archive."""
    head = ("Content-Type: text/html", "X-Crawl-Content-Encoding: gzip", "X-Crawl-Transfer-Encoding: chunked",
            "Content-Length: 4")  # fmt: skip
    path = written(tmp_path, members([
        record("warcinfo", b"isPartOf: CC-MAIN\r\n", version="WARC/1.0"),
        record("request", question("/1"), f"{URL}1", Record_ID="<urn:uuid:q>", version="WARC/1.0"),
        record("response", answer(b"<p>1", "200 OK", *head), f"{URL}1", Concurrent_To="<urn:uuid:q>"),
        record("metadata", b"fetchTimeMs: 7\r\n", f"{URL}1", version="WARC/1.0"),
    ]))  # fmt: skip
    one, robots = await ask(path, f"{URL}1", f"{URL}robots.txt")
    assert isinstance(one, Response)
    assert isinstance(robots, Response)
    assert (one.body, one.header("content-encoding"), robots.status) == (b"<p>1", "", 404)


async def test_the_shape_of_heritrix_is_read(tmp_path: Path) -> None:
    """Look-ups of names beside pages, and bodies whose chunks were removed though the head names them."""
    head = ("Content-Type: text/html", "Transfer-Encoding: chunked")
    path = written(tmp_path, members([
        record("response", b"20261101120000\na.example. IN A 192.0.2.1\n", "dns:a.example", version="WARC/1.0"),
        record("response", answer(b"<p>1", "200 OK", *head), f"{URL}1", IP_Address="192.0.2.1", version="WARC/1.0"),
        record("response", answer(b"<p>2"), f"{URL}2", Truncated="length", version="WARC/1.0"),
        record("response", answer(b"", "302 Found", "Location: /1"), f"{URL}3", version="WARC/1.0"),
    ]))  # fmt: skip
    one, two, three = await ask(path, f"{URL}1", f"{URL}2", f"{URL}3")
    assert isinstance(one, Response)
    assert isinstance(two, Response)
    assert isinstance(three, Response)
    assert (one.body, one.ip, two.truncated, three.header("location")) == (b"<p>1", "192.0.2.1", "length", "/1")


def wacz(path: Path, files: Mapping[str, bytes], packing: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as package:
        package.writestr("datapackage.json", "{}")
        for name, data in files.items():
            package.writestr(f"archive/{name}", data)
    return path


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
async def test_a_wacz_is_read_as_it_lies_or_unpacked(tmp_path: Path, packing: int) -> None:
    """Browsertrix: several WARC files in one package; a resource has no HTTP head."""
    files = {
        "a.warc.gz": members([page(1), record("resource", b"text", "urn:pageinfo:x"), page(2)]),
        "b.warc": record("resource", b"<p>r", f"{URL}r", Concurrent_To="x").replace(
            b"Content-Length", b"Content-Type: text/html\r\nContent-Length"
        ),
    }
    path = wacz(tmp_path / "x.wacz", files, packing)
    got = await ask(path, f"{URL}1", f"{URL}2", f"{URL}r")
    assert [one if isinstance(one, str) else one.body for one in got] == [b"<p>1", b"<p>2", b"<p>r"]
    assert isinstance(got[2], Response)
    assert got[2].header("content-type") == "text/html"


async def test_robots_that_need_memory_and_are_not_whole_give_it_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    robots = record("response", answer(b"#" * 200_000), f"{URL}robots.txt").replace(b"###", b"##!", 1)
    (got,) = await ask(written(tmp_path, robots + page(1), "x.warc"), f"{URL}robots.txt")
    assert isinstance(got, Response)
    assert got.status == 404
    assert "without release" not in caplog.text


async def test_a_folder_is_looked_through_and_files_of_killed_crawls_are_used(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    written(tmp_path / "deep", members([page(1)]), "a.warc.gz")
    written(tmp_path / "deep" / "er", members([page(2)]) + b"\x1f\x8b torn", "b.warc.gz.open")
    written(tmp_path, b"not looked at", "notes.txt")
    wacz(tmp_path / "c.wacz", {"c.warc": page(3)})
    assert await bodies(tmp_path, f"{URL}1", f"{URL}2", f"{URL}3") == [b"<p>1", b"<p>2", b"<p>3"]


REVISIT = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
UNCHANGED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"


async def test_a_revisit_has_its_own_head_and_the_body_of_the_capture_that_it_refers_to(tmp_path: Path) -> None:
    first = page(1, b"<p>same", Payload_Digest="sha1:AAA", Date="2026-11-01T00:00:00Z")
    head = answer(b"", "200 OK", "Content-Type: text/html", "X-Second: yes")
    again = record("revisit", head, f"{URL}2", Profile=REVISIT, Payload_Digest="sha1:AAA",
                   Refers_To_Target_URI=f"{URL}1", Refers_To_Date="2026-11-01T00:00:00Z")  # fmt: skip
    nothing = record("revisit", b"", f"{URL}3", Profile=REVISIT, Payload_Digest="sha1:AAA")
    lost = record("revisit", head, f"{URL}4", Profile=REVISIT, Payload_Digest="sha1:BBB")
    paths = [written(tmp_path, members([again, nothing, lost])), written(tmp_path, members([first]), "first.warc.gz")]
    got = await ask(paths, f"{URL}2", f"{URL}3", f"{URL}4")
    assert isinstance(got[0], Response)
    assert isinstance(got[1], Response)
    assert (got[0].body, got[0].header("x-second")) == (b"<p>same", "yes")
    assert (got[1].body, got[1].header("content-type")) == (b"<p>same", "text/html")
    assert got[2] == "not-archived: its record refers to a body that is in none of these archives"
    assert (await bodies(paths[0], f"{URL}2"))[0] == got[2]


@pytest.mark.parametrize("kind", ["response", "revisit"])
async def test_a_304_answers_who_asks_for_changes_and_others_get_the_page(tmp_path: Path, kind: str) -> None:
    head = answer(b"", "304 Not Modified", 'ETag: "x"')
    profile = {"Profile": UNCHANGED} if kind == "revisit" else {}
    later = record(kind, head, f"{URL}1", Date="2026-11-02T00:00:00Z", **profile)
    first = page(1, Date="2026-11-01T00:00:00Z")
    asking = Request(Url(f"{URL}1"), etag='"x"', visit=2)
    got = await ask(written(tmp_path, members([first, later])), asking, f"{URL}1", Request(Url(f"{URL}1"), visit=2))
    assert [one if isinstance(one, str) else one.status for one in got] == [304, 200, 200]


async def test_a_url_that_was_asked_several_times_gives_one_answer_an_attempt(tmp_path: Path) -> None:
    later = record("response", answer(b"<p>late"), f"{URL}1", Date="2026-11-01T12:00:05Z")
    failed = record("response", answer(b"", "503 Busy"), f"{URL}1", Date="2026-11-01T12:00:00.5Z")
    path = written(tmp_path, members([later, failed]))
    got = await ask(path, *(Request(Url(f"{URL}1"), attempt=n) for n in (1, 2, 3)))
    assert [one if isinstance(one, str) else one.status for one in got] == [503, 200, 200]


@pytest.mark.parametrize("is_first", [True, False])
async def test_requests_that_differ_in_method_or_body_have_their_own_answers(tmp_path: Path, is_first: bool) -> None:
    """The request stands before its answer (wget, Common Crawl) or behind it (warcio, Heritrix)."""
    records = [page(1)]
    for n, body in enumerate((b"q=1", b"q=2")):
        said = {"Record_ID": f"<urn:q{n}>"} | ({} if is_first else {"Concurrent_To": f"<urn:a{n}>"})
        asked = record("request", question("/1", method="POST", body=body), f"{URL}1", **said)
        told = {"Record_ID": f"<urn:a{n}>"} | ({"Concurrent_To": f"<urn:q{n}>"} if is_first else {})
        given = record("response", answer(body), f"{URL}1", **told)
        records += [asked, given] if is_first else [given, asked]
    posted = [Request(Url(f"{URL}1"), method="POST", body=body) for body in (b"q=2", b"q=1", b"q=3")]
    got = await bodies(written(tmp_path, members(records)), f"{URL}1", *posted)
    assert got == [b"<p>1", b"q=2", b"q=1", "not-archived"]


async def test_urls_are_found_in_the_spelling_of_the_crawl(tmp_path: Path) -> None:
    odd = record("response", answer(b"<p>odd"), "HTTP://A.Example:80/b/../1?utm_source=x&b=1#top")
    assert await bodies(written(tmp_path, members([odd])), f"{URL}1?b=1") == [b"<p>odd"]


async def test_a_body_too_large_is_refused_or_cut_as_on_the_network(tmp_path: Path) -> None:
    path = written(tmp_path, members([page(1, b"x" * 900_000)]))
    assert await bodies(path, f"{URL}1", max_body_bytes=500_000) == [
        "too-large: 900,000 bytes declared, 500,000 allowed"
    ]
    (cut,) = await ask(path, f"{URL}1", max_body_bytes=500_000, oversized="keep")
    assert isinstance(cut, Response)
    assert (len(cut.body), cut.truncated) == (500_000, "length")


async def test_many_large_bodies_at_a_time_wait_for_memory(tmp_path: Path) -> None:
    path = written(tmp_path, members([page(n, b"x" * 1_000_000) for n in range(12)]))
    settings: dict[str, Any] = {"max_body_bytes": 1_100_000, "budget_bytes": 4_000_000}
    peak = 0
    async with crawler.open_crawl(archives=[str(path)], **QUICK, **settings) as crawl:
        fetcher = crawl.archives
        assert fetcher is not None

        async def fetch(n: int) -> None:
            nonlocal peak
            response = await fetcher.fetch(Request(Url(f"{URL}{n}")))
            peak = max(peak, fetcher.budget.used)
            response.release()

        async with anyio.create_task_group() as group:
            for n in range(12):
                group.start_soon(fetch, n)
        assert fetcher.budget.used == 0
    assert 1_000_000 <= peak <= fetcher.budget.limit


async def test_a_record_whose_bytes_were_changed_is_not_replayed_and_said(tmp_path: Path) -> None:
    changed = page(1).replace(b"<p>1", b"<p>X")
    path = written(tmp_path, changed + page(2), "x.warc")
    why = f"{path} at byte 0: the bytes of the record do not have the digest that it names"
    assert await bodies(path, f"{URL}1", f"{URL}2") == [f"not-archived: {why}", b"<p>2"]


@pytest.mark.parametrize("pack", [members, one_stream, b"".join])
async def test_a_file_cut_short_is_used_up_to_there_and_said(tmp_path: Path, pack: Any) -> None:
    whole = pack([page(1), page(2), page(3, b"".join(b"%d" % n for n in range(9000)))])
    path = written(tmp_path, whole[:-1000])
    async with crawler.open_crawl(archives=[str(path)], **QUICK) as crawl:
        assert crawl.archives is not None
        (note,) = crawl.archives.notes
        assert crawl.archives.captures == 2
    assert note.startswith(f"{path} at byte ")
    assert note.endswith(
        "cut short: the file ends in the middle of a record; the 2 answers before it can be replayed, "
        "the rest of the file is not read"
    )
    assert await bodies(path, f"{URL}1", f"{URL}2", f"{URL}3") == [b"<p>1", b"<p>2", "not-archived"]


async def test_a_foreign_file_in_a_folder_is_said_and_the_others_are_used(tmp_path: Path) -> None:
    written(tmp_path, members([page(1)]), "a.warc.gz")
    written(tmp_path, gzip.compress(b"hello"), "b.warc.gz")
    async with crawler.open_crawl(archives=[str(tmp_path)], **QUICK) as crawl:
        assert crawl.archives is not None
        assert crawl.archives.captures == 1
        assert crawl.archives.notes[0].startswith(f"{tmp_path / 'b.warc.gz'} at byte 0: not a WARC file")


async def test_a_wacz_that_is_damaged_within_is_refused_in_one_line(tmp_path: Path) -> None:
    path = wacz(tmp_path / "x.wacz", {"a.warc": page(1, b"".join(b"%d" % n for n in range(999)))}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    for at in range(60, len(data) - 160, 31):
        path.write_bytes(bytes(data[:at]) + b"\xff\xff\xff" + bytes(data[at + 3 :]))
        refused = ""
        try:
            await bodies(path, f"{URL}1")
        except ConfigError as error:
            refused = str(error)
        assert not refused or refused.startswith(f"fetch.archives: {path}")
        assert "\n" not in refused
