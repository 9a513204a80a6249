"""What the records of a crawl tell of attempts that brought no answer, whatever stands among them."""

from __future__ import annotations

import json
from pathlib import Path

from crawler import Request, Url
from crawler.archives.unanswered import Unanswered, find_records, read_unanswered
from tests.archives.test_archives import ask, written
from tests.warc.samples import answer, members, record

URL = "http://a.example/"
WHOLE = {
    "url": URL, "status": None, "disposition": "failed", "reason": "dns", "detail": "no such name", "attempt": 3,
    "visit": 1,
}  # fmt: skip


def told(tmp_path: Path, *records: object) -> list[Unanswered]:
    lines = [one if isinstance(one, bytes) else json.dumps(one, separators=(",", ":")).encode() for one in records]
    path = tmp_path / "pages.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return list(read_unanswered(path))


def test_failures_without_an_answer_and_answers_that_needed_several_attempts_are_told(tmp_path: Path) -> None:
    late = WHOLE | {"status": 200, "disposition": "fetched", "reason": None, "detail": None, "attempt": 2}
    refused = WHOLE | {"status": 503, "reason": "status-5xx", "detail": "HTTP 503"}
    first = late | {"attempt": 1}
    assert told(tmp_path, WHOLE, late, refused, first) == [
        Unanswered(URL, 3, "dns", "no such name"), Unanswered(URL, 2, "", ""), Unanswered(URL, 3, "", "")
    ]  # fmt: skip


def test_revisits_forms_and_lines_that_are_no_records_are_left_out(tmp_path: Path) -> None:
    odd = [b"", b"nonsense", b"[1]", b"{}", b"null", b'{"url":1}', json.dumps(WHOLE).encode()[:50]]
    other = [WHOLE | {"visit": 2}, WHOLE | {"request_id": "ab"}, WHOLE | {"disposition": "excluded", "attempt": 1}]
    assert told(tmp_path, *odd, *other) == []
    assert told(tmp_path, WHOLE | {"reason": "a new word"}) == [Unanswered(URL, 3, "", "")]


def test_the_records_are_those_of_the_crawl_folder_that_the_archives_are_or_stand_in(tmp_path: Path) -> None:
    folder = tmp_path / "x.crawl"
    (folder / "warc").mkdir(parents=True)
    for place in (folder, folder / "warc", folder / "warc" / "a.warc.gz"):
        assert find_records([place]) == []
    (folder / "crawl.toml").touch()
    (folder / "pages.jsonl").touch()
    assert find_records([folder, folder / "warc" / "a.warc.gz", tmp_path]) == [folder / "pages.jsonl"]


async def test_attempts_that_were_not_answered_come_before_those_that_were(tmp_path: Path) -> None:
    told(tmp_path, WHOLE | {"status": 200, "disposition": "fetched", "reason": None, "detail": None})
    (tmp_path / "crawl.toml").touch()
    busy = record("response", answer(b"", "503 Busy"), URL, Date="2026-11-01T12:00:00Z")
    page = record("response", answer(b"<p>at last"), URL, Date="2026-11-01T12:00:09Z")
    path = written(tmp_path, members([busy, page]))
    got = await ask(path, *(Request(Url(URL), attempt=n) for n in (1, 2, 3)))
    assert [one if isinstance(one, str) else one.status for one in got] == ["not-archived", 503, 200]
