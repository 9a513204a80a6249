"""The report shows what bound a crawl over time: a chart of shares, and a table for those without scripts."""

from __future__ import annotations

from crawler.metrics.course import Step
from crawler.reports.report import make_report
from crawler.reports.tally import Tally
from crawler.site_report import page
from crawler.site_report.bounding import MOST_BOUNDS, MOST_POINTS, find_bounding
from crawler.site_report.timeline import Timeline


def step(at: float, **bounds: float) -> Step:
    return Step(at, sum(bounds.values()), bounds, 1, 1, 1, 1.0, {})


def test_the_chart_has_the_shares_of_each_stretch() -> None:
    found = find_bounding([step(1, politeness=1.0), step(2, politeness=0.25, network=0.75)])
    (chart,) = found.charts
    assert found.seconds == {"politeness": 1.25, "network": 0.75}
    assert (chart["x"], chart["names"]) == ([0.0, 1.0], ["politeness", "network"])
    assert chart["data"] == [[100.0, 25.0], [0.0, 75.0]]


def test_a_long_crawl_has_no_more_points_and_many_bounds_no_more_colours() -> None:
    names = {f"b{n}": 1.0 for n in range(MOST_BOUNDS + 3)}
    (chart,) = find_bounding([step(n, **names) for n in range(3 * MOST_POINTS + 1)]).charts
    assert len(chart["x"]) <= MOST_POINTS
    assert len(chart["names"]) == len(chart["inks"]) == MOST_BOUNDS + 1
    assert sum(series[0] for series in chart["data"]) > 99


def test_the_page_has_chart_and_table_and_without_measurements_neither() -> None:
    report, timeline = make_report(Tally(), 0.0, 1.0), Timeline()
    bounding = find_bounding([step(1, politeness=3.0), step(2, network=1.0)])
    shown = page.make("crawl", report, timeline, (), bounding=bounding)
    assert "What bound the crawl" in shown
    assert "75%" in shown
    assert "What bound" not in page.make("crawl", report, timeline, ())
