"""`crawl bench` measures real work: each figure is of pages that were really fetched and parsed."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cli import bench_report
from crawler.bench import Figures, Places, Rate, Stage, Way, Work, measure
from crawler.bench.pages import LINKS, make_pages
from crawler.bench.pieces import document, make_job
from crawler.bench.running import cells
from crawler.model import Url
from crawler.parse import parse
from crawler.standing import WorkCost


def figures() -> Figures:
    """Returns figures of a machine that is easily reckoned."""
    stages = {
        Stage.FETCH: Rate(4000, 1.0, 0.4, 3.0),
        Stage.PARSE: Rate(2000, 1.0, 0.4, 5.0),
        Stage.CRAWL: Rate(100, 0.1, 0.05, 9.54),
    }
    work = {
        Work.IO: _rates(24, 760, 48, 1450, 1500),
        Work.CPU: _rates(600, 610, 1190, 600, 1150),
        Work.MIXED: _rates(20, 500, 40, 550, 1000) | {Way.UNBATCHED: Rate(800, 1.0, 0.24, 7.0)},
    }
    return Figures(2, 0.5, 32, 64, 40.0, 20_424, stages, work, _places())


def _places() -> Places:
    costs = {"inline": 0.2, "thread": 0.25, "process": 0.48}
    small = WorkCost("parse", 4096, "inline", "costs least", 90, 0.4, costs)
    large = WorkCost("parse", 262144, "process", "the only place that is safe for it", 90, 4.0, {"process": 2.5})
    hurried = small._replace(place="process", why="not inline: the loop has no room")
    return Places((small, large), (hurried, large), has_gil=True, interpreters="this Python has none (3.14 has)")


def _rates(*pages: int) -> dict[Way, Rate]:
    threads = {way: Rate(count, 1.0) for way, count in zip(Way, pages[:3], strict=False)}
    return threads | {Way.ASYNCIO: Rate(pages[3], 1.0, 0.9, 45.0), Way.HYBRID: Rate(pages[4], 1.0, 0.2, 6.0)}


def test_the_report_says_what_was_measured() -> None:
    said = [*bench_report.lines(figures())]
    assert said[0] == f"2 cores, Python {platform.python_version()}; pages of 20.4 kB; 64 requests at a time"
    assert "  a whole crawl               1,000                    0.50            9.5 ms" in said
    assert "  hybrid                        1,500  ████████████████████████████████████" in said
    assert "  sequential                       24  ▋" in said
    assert "  below 4 KiB           0.20    0.25    0.48   inline          process" in said
    assert "  below 256 KiB                         2.50   process         process" in said
    assert "threads share a GIL; interpreters: this Python has none (3.14 has)" in said
    assert max(map(len, said)) <= 80


def test_the_record_has_what_was_chosen_and_why() -> None:
    told = json.loads(json.dumps(bench_report.as_record(figures())["places"]))
    (small, large), (hurried, _) = told["at_rest"], told["in_a_hurry"]
    assert (small["place"], small["cpu_ms"]["process"], large["place"]) == ("inline", 0.48, "process")
    assert hurried["why"] == "not inline: the loop has no room"


def test_the_lessons_follow_from_the_figures() -> None:
    waiting, gil, loop, batches, best = bench_report.lessons(figures())
    assert "24 pages/s, 32 threads make 760 pages/s, and 64 tasks in one thread make 1,450 pages/s" in waiting
    assert "32 threads parse 1.0 times as fast as one, and 2 processes parse 2.0 times as fast" in gil
    assert "550 pages/s, and 1 of 100 of its turns comes 45.0 ms late or more. With workers it makes 1,000" in loop
    assert "800 pages/s, with 0.30 ms of the loop a page" in batches
    assert (
        "asyncio and hybrid for I/O-bound work, processes and hybrid for CPU-bound work, hybrid for mixed work" in best
    )


def test_a_busy_machine_is_named() -> None:
    assert "the machine was busy (load 7.0): it can do more than this says" in [
        *bench_report.lines(replace(figures(), load=7.0))
    ]
    assert not any("busy" in line for line in bench_report.lines(figures()))


def test_the_page_is_whole_and_holds_the_same_figures() -> None:
    page = bench_report.page(figures())
    assert re.findall(r"<rect width=\'([0-9.]+)\'", page)[:5] == ["1.6", "50.7", "3.2", "96.7", "100.0"]
    assert "1,450" in page
    assert "<tr><th scope=row>below 4 KiB<td>0.20<td>0.25<td>0.48<td>inline<td>process" in page
    assert "http" not in page.replace("<!DOCTYPE html>", ""), "nothing is loaded from elsewhere"
    for drawn in re.findall(r"<svg.*?</svg>", page):
        ET.fromstring(drawn.replace("=none", "='none'").replace("=true", "='true'").replace("=10 ", "='10' "))


def test_pages_are_of_one_size_and_lead_to_each_other() -> None:
    pages = make_pages(300)
    assert len(set(pages)) == 300
    assert max(map(len, pages)) - min(map(len, pages)) < 2000
    found, todo = {0}, [0]
    while todo:
        links = {int(n) for n in re.findall(rb'href="/(\d+)"', pages[todo.pop()])}
        todo += links - found
        found |= links
    assert found == set(range(300))
    page = parse(document(pages[7], "http://h.test/7"), make_job())
    assert page.title == "Page 7"
    assert {Url(text).path for text in page.news.split()} <= {f"/{n}" for n in range(300)}
    assert LINKS > 10


@pytest.mark.long
@pytest.mark.slow
async def test_all_is_measured_and_nothing_is_left_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told: list[tuple[str, str | None]] = []
    found = await measure(1.0, latency_ms=5, told=lambda what, way: told.append((what, way)))
    assert told == cells()
    assert {*found.stages} == {*Stage}
    assert {*found.work} == {*Work}
    for rate in [*found.stages.values(), *(rate for ways in found.work.values() for rate in ways.values())]:
        assert rate.pages > 0
        assert rate.seconds > 0
    sequential = found.work[Work.IO][Way.SEQUENTIAL]
    assert sequential.per_second <= 1000 / 5, "each page waits for 5 ms"
    assert found.work[Work.IO][Way.ASYNCIO].pages > sequential.pages
    assert found.stages[Stage.CRAWL].loop_ms > 0
    assert found.places is not None
    assert {one.place for one in found.places.in_a_hurry if one.below_bytes > 1 << 16} == {"process"}
    assert [one.below_bytes >> 10 for one in found.places.at_rest] == [2, 4, 8, 16, 32, 64, 256]
    assert [*tmp_path.iterdir()] == [], "the crawl's folder is thrown away"
    assert len(asyncio.all_tasks()) == 1
    assert found.cores == len(os.sched_getaffinity(0))
