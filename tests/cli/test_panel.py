"""The panel: what it shows, in every width and height."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from rich.live import Live

from crawler import Eta
from crawler.cli.panel import Panel, count_more_rows, draw_panel, erase_rows
from crawler.metrics.troubles import Failures
from crawler.model import Reason
from crawler.standing import Progress, SiteView, Trap, WorkCost

from .screen import Screen
from .test_show import FETCHED, SNAPSHOT


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("height", [18, 24])
def test_the_panel_keeps_to_its_terminal_and_harms_none(width: int, height: int) -> None:
    text = draw_panel(SNAPSHOT, "a.crawl", width, height).plain
    assert "\x1b" not in text
    said = " ".join(text.split())
    assert "bound by politeness" in said
    assert ("a smaller --delay, a larger --per-site" in said) is (height == 24 or width > 40)
    assert "256" in said
    assert "1 min 15 s" in said
    assert "12 status-5xx" in said
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) < height


def test_the_panel_tells_of_parked_urls_where_there_are_any() -> None:
    traps = [Trap("https://a.example/#", 128, 1, 1_234_000, (), Reason.TRAP), Trap("https://b.example/#", 9, 9)]
    counts = replace(SNAPSHOT.counts, parked=1_234_567, traps=[*traps, traps[0]._replace(pattern="https://c/#")])
    lines = draw_panel(replace(SNAPSHOT, counts=counts), "a.crawl", 80).plain.splitlines()
    assert " parked    1,234,567   in 2 patterns, until you ask for them" in lines
    assert max(map(len, lines)) <= 80
    assert "parked" not in draw_panel(SNAPSHOT, "a.crawl", 80).plain


def _rows(**changes: Any) -> list[str]:
    return str(draw_panel(replace(SNAPSHOT, **changes), "a.crawl", 80).plain).splitlines()


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({"progress": Progress(168, 250, "urls")}, " so far    168 of 250 URLs"),
        ({"progress": Progress(0, 1, "urls")}, " so far    0 of 1 URL"),
        ({"progress": Progress(168, 250, "pages")}, " so far    168 of at most 250 pages"),
        ({"at_least_s": 40.2}, " so far    at least 40 s to go"),
        (
            {"progress": Progress(168, 250, "urls"), "at_least_s": 4000.0},
            " so far    168 of 250 URLs; at least 1 h 6 min to go",
        ),
        ({"progress": None, "at_least_s": 0.4}, None),
        ({}, None),
    ],
)
def test_the_panel_says_how_far_it_is_only_where_that_is_known(changes: dict[str, object], row: str | None) -> None:
    assert next((line for line in _rows(**changes) if "so far" in line), None) == row


@pytest.mark.parametrize(
    ("eta", "row"),
    [
        (Eta(600.4, 700.0, 841.2, 410.2, 500.0, 612.7, "queue", ""), "10 min 0 s to 14 min 1 s; 410 to 613 URLs left"),
        (
            Eta(600.0, 700.0, 800.0, 90.0, 90.0, 90.0, "pages", ""),
            "10 min 0 s to 13 min 20 s, until the limit of pages",
        ),
        (
            Eta(40.9, None, None, 41.0, None, None, None, "seeds may come"),
            "at least 40 s; no more can be said: seeds may come",
        ),
        (Eta(0.0, None, None, 1.0, None, None, None, "seeds may come"), "no more can be said: seeds may come"),
    ],
)
def test_the_panel_says_how_long_it_takes_and_where_that_cannot_be_said_it_says_so(eta: Eta, row: str) -> None:
    assert _rows(eta=eta, at_least_s=30.0).count(f" to go     {row}") == 1
    assert not any("so far" in line for line in _rows(eta=eta, at_least_s=30.0)), "it is said once"


def test_the_panel_says_where_pages_are_read_and_what_that_costs() -> None:
    costs = {"inline": 0.2, "thread": 0.25, "process": 0.48}
    small = WorkCost("parse", 4096, "inline", "costs least", 90, 0.4, costs)
    packed = WorkCost(
        "unpack and parse", 8192, "process", "the only place that is safe for it", 90, 0.4, {"process": 1.0}
    )
    large = WorkCost("parse", 65536, "process", "not thread: the loop has no room", 20, 1.6, {"process": 1.2})
    lines = _rows(work=(large, small._replace(below_bytes=2048, calls=7), small, packed))
    at = next(number for number, line in enumerate(lines) if line.startswith(" work"))
    assert lines[at] == " work      below 4 KiB on the loop (0.20 ms, in a worker 0.48 ms)"
    assert lines[at + 1].strip() == "below 64 KiB in workers (1.20 ms)"
    assert not [line for line in _rows() if line.startswith(" work")]


def test_the_panel_shows_visits_beside_pages_where_they_bring_few() -> None:
    assert not [line for line in _rows() if "visits" in line]
    [row] = [line for line in _rows(pages=1000, visits=1500, visits_per_s=12.3) if "visits" in line]
    assert row.split() == ["visits", "1,500", "12.3/s"]


def test_the_panel_of_a_continued_folder_shows_the_pages_of_all_runs() -> None:
    counts = replace(SNAPSHOT.counts, settled={FETCHED: 4310})
    assert " folder    4,310 pages, 120 in this run" in _rows(pages=120, counts=counts)
    assert not [line for line in _rows(pages=4310, counts=counts) if "folder" in line]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mean_in_flight": 0.26, "in_flight": 0}, "0.3"),
        ({"mean_in_flight": 12.6}, "13"),
        ({"mean_in_flight": 0.0, "in_flight": 0}, "< 0.1"),
        ({"mean_in_flight": 0.0, "in_flight": 0, "visits_per_s": 0.0}, "0"),
    ],
)
def test_visits_under_way_are_shown_as_a_mean(changes: dict[str, object], said: str) -> None:
    [row] = [line for line in _rows(**changes) if "in flight" in line]
    assert row[11:].startswith(f"{said} ")


def test_sites_with_nothing_to_do_are_not_among_the_busiest() -> None:
    busiest = [SiteView("https://a", 0, 0, 1.0), SiteView("https://b", 0, 2, None), SiteView("https://c", 7, 0, None)]
    rows = [line.split() for line in _rows(busiest=busiest) if "https" in line][:-1]
    assert [" ".join(row) for row in rows] == ["busiest https://b 0 queued, 2 under way", "https://c 7 queued, waits"]


def test_the_panel_says_how_long_a_slow_site_rests_and_why() -> None:
    view = SiteView("https://a.example", 5, 1, 3.0, delay_s=1.0, rest_s=4.2, slowed_by="answers take 2.1 s")
    lines = draw_panel(replace(SNAPSHOT, busiest=[view, view._replace(slowed_by="")]), "a.crawl", 80).plain.splitlines()
    assert [line.strip() for line in lines if "rests" in line] == ["rests 4.2 s each time: answers take 2.1 s"]
    assert max(map(len, lines)) <= 80


def test_a_panel_that_its_terminal_broke_is_erased_whole() -> None:
    """A terminal of 80 columns that became 30 wide broke lines, which then take more rows than were drawn."""
    assert [count_more_rows([0, 30, 31, 60, 61, 80], width) for width in (80, 60, 30)] == [0, 2, 6]
    assert erase_rows(0) == ""


def test_a_host_that_speaks_http2_alone_is_named_in_plain_words() -> None:
    hosts = [Failures("https://a.test", Reason.HTTP2_ONLY, 2, "https://a.test/")]
    assert " failed    2 at https://a.test: speaks HTTP/2 alone" in _rows(failures=hosts)


@pytest.mark.parametrize(
    ("windows", "is_low"),
    [
        ([(80, 50), (60, 50), (40, 50), (60, 40), (200, 50), (45, 50), (80, 50)], False),
        ([(80, 24), (60, 20), (40, 20), (40, 18), (200, 18), (45, 24)], True),
    ],
)
def test_a_panel_leaves_nothing_behind_whatever_becomes_of_its_window(
    windows: list[tuple[int, int]], is_low: bool
) -> None:
    """Rows that a low window has scrolled out are beyond reach: there only the panel itself is looked at."""
    screen = Screen(*windows[0])
    console = Console(file=screen, force_terminal=True, color_system="standard")
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
        panel = Panel(live, "a.crawl")
        panel.tell("crawling into a.crawl")
        for columns, rows in windows:
            screen.resize(columns, rows)
            console.width, console.height = columns, rows
            for now in (SNAPSHOT, replace(SNAPSHOT, failures=[], at_least_s=40.0)):
                panel.refresh(now)
                drawn = [line.rstrip() for line in str(draw_panel(now, "a.crawl", columns, rows).plain).split("\n")]
                assert screen.shown[-len(drawn) :] == drawn
                assert is_low or screen.shown[: -len(drawn)] == ["crawling into a.crawl"]
    assert is_low or screen.shown == ["crawling into a.crawl"]
