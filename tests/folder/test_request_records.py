"""Records of requests that are more than a URL: lost ones are made again, repaired folders know them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

import crawler
from crawler import Request
from crawler.frontier import look
from crawler.frontier.sqlite import schema
from crawler.model import Url
from tests.echo import Echo, open_echo

SETTINGS: dict[str, Any] = {
    "delay_s": 0, "per_site": 4, "allow_networks": ["127.0.0.0/8"], "executor": "inline", "max_depth": 0,
    "durability": "process",
}  # fmt: skip


def forms(echo: Echo) -> list[Request]:
    url = f"{echo.url}/form"
    return [Request(url, method="POST", body=f"n={n}".encode(), data={"n": n}) for n in range(8)] + [Request(url)]


def records(folder: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (folder / "pages.jsonl").read_bytes().splitlines()]


def told(folder: Path) -> Counter[tuple[str | None, object, int]]:
    return Counter((one.get("method"), one.get("request_data", {}).get("n"), one["visit"]) for one in records(folder))


EVERY = Counter([("POST", n, 1) for n in range(8)] + [(None, None, 1)])


async def test_a_form_whose_record_is_lost_is_sent_again_and_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    async with open_echo() as echo:
        await crawler.crawl(forms(echo), folder=folder, **SETTINGS)
        output = folder / "pages.jsonl"
        lines = output.read_bytes().splitlines(keepends=True)
        output.write_bytes(b"".join(lines[:-3]))
        notes = [orjson.loads(line).get("request_data") for line in lines[-3:]]
        lost = Counter(f"n={note['n']}".encode() if note else b"" for note in notes)
        assert len(echo.asked) == 9
        summary = await crawler.crawl((), folder=folder, **SETTINGS)
        assert summary.lost_records == 3
        again = Counter(body for *_, body in echo.asked[9:])
    assert told(folder) == EVERY
    assert again == lost


async def test_a_repaired_folder_knows_each_request(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    async with open_echo() as echo:
        await crawler.crawl(forms(echo)[2:], folder=folder, **SETTINGS)
        async with crawler.open_crawl(folder=folder, **SETTINGS) as opened:
            await opened.add(forms(echo)[:2])
        assert crawler.repair_folder(folder, is_forced=True).frontier is not None
        asked = len(echo.asked)
        summary = await crawler.crawl(forms(echo), folder=folder, **SETTINGS)
        assert sorted(echo.bodies()[asked:]) == [b"n=0", b"n=1"]
        assert summary.counts.known == 9
    assert told(folder) == EVERY


async def test_a_request_whose_body_is_damaged_is_not_sent_without_it(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    async with open_echo() as echo:
        async with crawler.open_crawl(folder=folder, **SETTINGS) as opened:
            await opened.add(forms(echo)[:8])
        with closing(sqlite3.connect(folder / "frontier.sqlite")) as file:
            file.execute("DELETE FROM extra WHERE id < 4")
            file.commit()
        (folder / "pages.jsonl").touch()
        report = crawler.repair_folder(folder, is_forced=True)
        assert report.frontier is not None
        assert (report.frontier.queued, report.frontier.lost) == (5, 3)
        await crawler.crawl((), folder=folder, **SETTINGS)
    assert Counter(method for method, *_ in echo.asked) == {"POST": 5}


async def test_a_folder_of_layout_2_goes_on_and_takes_forms(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    async with open_echo() as echo:
        async with crawler.open_crawl(folder=folder, **SETTINGS) as opened:
            await opened.add([f"{echo.url}/a", f"{echo.url}/b"])
        with closing(sqlite3.connect(folder / "frontier.sqlite")) as file:
            file.executescript("DROP TABLE extra; ALTER TABLE url DROP COLUMN way; PRAGMA user_version = 2")
        known = look(folder / "frontier.sqlite", lambda seen: seen.find(Url(f"{echo.url}/a")))
        assert known is not None
        assert (known.standing, known.method, known.others) == ("queued", "GET", {})
        await crawler.crawl(forms(echo)[:1], folder=folder, **SETTINGS)
        with closing(sqlite3.connect(folder / "frontier.sqlite")) as file:
            assert file.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert sorted((method, path) for method, path, *_ in echo.asked) == [
        ("GET", "/a"),
        ("GET", "/b"),
        ("POST", "/form"),
    ]


async def test_a_folder_tells_of_all_requests_to_a_url(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    async with open_echo() as echo:
        await crawler.crawl(forms(echo)[:3], folder=folder, **SETTINGS)
        text = f"{echo.url}/form"
        before = look(folder / "frontier.sqlite", lambda seen: seen.find(Url(text)))
        await crawler.crawl([text], folder=folder, **SETTINGS)
        after = look(folder / "frontier.sqlite", lambda seen: seen.find(Url(text)))
    assert before is not None
    assert after is not None
    assert (before.method, before.others, before.standing) == ("POST", {"POST": 2}, "done")
    assert (after.method, after.others) == ("GET", {"POST": 3})
