"""Two crawls are told apart URL by URL, whatever each of them is kept in."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from crawler import ArchiveError, ConfigError, open_comparison
from crawler.comparison.lines import count_changes, find_similarity
from crawler.comparison.sides import read_row
from tests.export.conftest import captures
from tests.warc.samples import answer, record

from .conftest import A, B, Write, compare, page, told

SITE = "http://a.test"


def url(path: str) -> str:
    return SITE + path


def test_added_removed_and_changed_pages_are_told_in_the_order_of_their_urls(write: Write) -> None:
    before = write(
        "a.jsonl", [page(url("/z"), digest=A), page(url("/b"), digest=A, length=1), page(url("/same"), digest=A)]
    )
    after = write(
        "b.crawl", [page(url("/same"), digest=A), page(url("/z"), digest=B), page(url("/a"), digest=B, length=1)]
    )
    assert told(before, after) == [("/a", "added"), ("/b", "removed"), ("/z", "changed")]


def test_a_redirect_to_the_new_place_is_a_move_and_its_target_is_not_added(write: Write) -> None:
    before = write("a.jsonl", [page(url("/old"), digest=A)])
    moved = page(url("/old"), status=301, disposition="redirected", location=url("/new"))
    after = write("b.jsonl", [moved, page(url("/new"), digest=B)])
    assert told(before, after) == [("/old", "moved", url("/new"))]


def test_the_same_content_under_another_url_is_a_move_each_with_one_other(write: Write) -> None:
    before = write("a.jsonl", [page(url(path), digest=A, length=9) for path in ("/1", "/2", "/3")])
    gone = page(url("/3"), status=404, disposition="failed", reason="status-4xx", digest=B)
    after = write("b.jsonl", [page(url(path), digest=A, length=9) for path in ("/x", "/y")] + [gone])
    found = compare(before, after)
    assert [(one.url, list(one.kinds), one.moved_to, one.moved_how) for one in found] == [
        (url("/1"), ["moved"], url("/x"), "content"),
        (url("/2"), ["moved"], url("/y"), "content"),
        (url("/3"), ["status"], None, None),
    ]


def test_empty_pages_do_not_move_to_each_other(write: Write) -> None:
    before, after = (write(name, [page(url(f"/{name}"), digest=A, length=0)]) for name in ("a.jsonl", "b.jsonl"))
    assert told(before, after) == [("/a.jsonl", "removed"), ("/b.jsonl", "added")]


def test_a_status_and_what_is_asked_of_robots_are_differences_of_their_own(write: Write) -> None:
    failed: dict[str, Any] = {"disposition": "failed", "digest": None}
    before = write(
        "a.jsonl",
        [
            page(url("/404")),
            page(url("/dns")),
            page(url("/robots")),
            page(url("/noindex"), digest=A),
            page(url("/both"), digest=A),
        ],
    )
    after = write(
        "b.jsonl",
        [
            page(url("/404"), status=404, reason="status-4xx", **failed),
            page(url("/dns"), **{**failed, "status": None, "reason": "dns"}),
            page(url("/robots"), status=None, disposition="excluded", reason="robots"),
            page(url("/noindex"), digest=A, robots="noindex"),
            page(url("/both"), digest=B, robots="noindex"),
        ],
    )
    assert told(before, after) == [
        ("/404", "status"),
        ("/both", "changed", "robots"),
        ("/dns", "status"),
        ("/noindex", "robots"),
        ("/robots", "robots"),
    ]


def test_the_latest_visit_counts_and_an_unchanged_one_leaves_the_page_as_it_was(write: Write) -> None:
    unchanged = page(url("/"), visit=2, status=304, disposition="unchanged", digest=None)
    before = write("a.jsonl", [unchanged, page(url("/"), digest=A), page(url("/2"), digest=A)])
    after = write("b.jsonl", [page(url("/"), digest=A), page(url("/2"), visit=2, digest=B), page(url("/2"), digest=A)])
    assert told(before, after) == [("/2", "changed")]


def test_how_much_changed_is_told_by_simhash_and_by_lines(write: Write) -> None:
    before = write("a.crawl", [page(url("/"), digest=A, simhash="00000000000000ff", text="one\ntwo\ntwo\n three")])
    after = write("b.jsonl", [page(url("/"), digest=B, simhash="000000000000000f", text="three\none\ntwo\nfour")])
    [found] = compare(before, after)
    assert found.similarity == pytest.approx(1 - 4 / 64, abs=0.001)
    assert found.lines == (1, 1, ["four"], ["two"])


def test_texts_without_simhashes_are_compared_by_their_own(write: Write) -> None:
    text = " ".join(f"word{n}" for n in range(500))
    before = write("a.jsonl", [page(url("/"), digest=A, text=text)])
    after = write("b.jsonl", [page(url("/"), digest=B, text=text.replace("word250", "other"))])
    [found] = compare(before, after)
    assert found.similarity is not None
    assert 0.8 < found.similarity < 1


def test_an_archive_is_compared_with_records_and_with_an_archive(write: Write) -> None:
    old, new = b"<title>A</title><p>one\n<p>two", b"<title>B</title><p>one\n<p>three"
    digest = f"sha256:{sha256(old).hexdigest()}"
    kept = [*captures(url("/same"), old), *captures(url("/robots.txt"))]
    archive = write("a.warc.gz", [*captures(url("/"), old), *kept])
    later = write("b.warc.gz", [*captures(url("/"), new), *captures(url("/same"), old)])
    records = write(
        "a.jsonl", [page(url("/"), "A", digest=digest), page(url("/same"), "A", digest=digest, robots="noindex")]
    )
    assert told(archive, records) == told(records, archive) == []
    [found] = compare(archive, later)
    assert (list(found.kinds), found.lines and found.lines[:2]) == (["changed"], (1, 1))
    assert (found.before and found.before.title, found.after and found.after.title) == ("A", "B")


def test_a_copy_in_an_archive_has_the_body_that_it_refers_to(write: Write) -> None:
    body = b"<title>A</title>"
    copy = record(
        "revisit", answer(b"", kind="text/html"), url("/copy"), Date="2026-11-01T12:00:00Z", Payload_Digest="sha1:ABC"
    )
    archive = write("a.warc.gz", [*captures(url("/"), body), copy])
    plain = write("b.warc.gz", [*captures(url("/"), body), *captures(url("/copy"), body)])
    assert told(archive, plain) == []


def test_requests_with_one_url_are_told_apart(write: Write) -> None:
    posts = [page(url("/"), digest=A, method="POST", request_id=f"{n:016x}") for n in range(2)]
    assert told(write("a.jsonl", posts), write("b.jsonl", posts[:1])) == [(f"/ POST {1:016x}", "removed")]


def test_some_fields_are_enough(write: Write, tmp_path: Path) -> None:
    for name, status in (("a.jsonl", 200), ("b.jsonl", 500)):
        (tmp_path / name).write_text(f'{{"url":"{url("/")}","status":{status}}}\n')
    assert told(tmp_path / "a.jsonl", tmp_path / "b.jsonl") == [("/", "status")]


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"url":1}', b'"x"', b'{"url":"\xff"}', b"nul\n"])
def test_a_line_that_is_no_record_is_passed_over(line: bytes) -> None:
    assert read_row(line, 0, 0) is None


def test_values_of_other_types_are_not_known() -> None:
    row = read_row(b'{"url":"u","status":"200","digest":7,"visit":"x","length":1e9,"title":null}', 0, 0)
    assert row is not None
    assert (row.status, row.digest, row.visit, row.length, row.title) == (None, None, 0.0, None, None)


def test_files_that_are_neither_are_refused_in_one_line(tmp_path: Path, write: Write) -> None:
    good = write("a.jsonl", [page(url("/"))])
    (tmp_path / "text").write_text("no record\n")
    (tmp_path / "cut.warc").write_bytes(b"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: 99\r\n\r\nHTTP/1.1 200")
    with pytest.raises(ConfigError, match="no crawl folder, no WARC"), open_comparison(good, tmp_path / "text"):
        pass
    with pytest.raises(ConfigError, match="no such file"), open_comparison(tmp_path / "b.jsonl", good):
        pass
    with pytest.raises(ArchiveError, match="cut short"), open_comparison(tmp_path / "cut.warc", good):
        pass


def test_similarity_is_unknown_where_a_simhash_is() -> None:
    assert find_similarity("0" * 16, "0" * 16) == 1.0
    assert find_similarity("f" * 16, "0" * 16) == 0.0
    assert [find_similarity(*pair) for pair in ((None, "ff"), ("x", "ff"), ("f" * 17, "0"))] == [None, None, None]


def test_a_line_that_only_moved_is_no_change() -> None:
    assert count_changes("a\nb\n\nc", "c\na\nb")[:2] == (0, 0)
