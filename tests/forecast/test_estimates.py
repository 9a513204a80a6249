"""Each estimate alone: what it promises, on numbers whose answers are known."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from crawler.forecast import (
    Eta,
    Growth,
    Interval,
    Limits,
    Mark,
    PageSeen,
    Sample,
    SiteLeft,
    SiteNow,
    SitePlan,
    Terms,
    Watch,
    foresee_end,
    foresee_left,
    foresee_size,
    interval_of,
    other_settings,
    plan_crawl,
    plan_site,
)
from crawler.forecast.draws import N
from crawler.forecast.growth import MOST_MARKS, final_size
from crawler.forecast.watching import MOST_SITES

DICE = random.Random(1)
NO_LIMIT = math.inf


@pytest.mark.parametrize(("rate", "fall", "queued"), [(0.5, 0.001, 100), (3.0, 0.003, 40), (1.0, 0.01, 5), (9.0, 1, 1)])
def test_the_final_size_solves_its_equation(rate: float, fall: float, queued: int) -> None:
    size = final_size(rate, fall, queued)
    assert size == pytest.approx(rate / fall * (1 - math.exp(-fall * (queued + size))), rel=0.01)


@pytest.mark.parametrize(
    ("rate", "queued", "size"), [(0.5, 100, 100), (0.9, 10, 90), (1.0, 1, math.inf), (0.0, 9, 0), (4.0, 0, 0)]
)
def test_without_a_fall_it_is_the_progeny_of_a_branching_process(rate: float, queued: int, size: float) -> None:
    assert final_size(rate, 0.0, queued) == pytest.approx(size)


def test_an_interval_has_a_tenth_of_the_draws_on_either_side() -> None:
    assert interval_of(list(range(101))) == Interval(10, 50, 90)
    assert interval_of(list(range(101)), at_least=20) == Interval(20, 50, 90)


def test_where_one_draw_in_five_has_no_end_only_the_least_is_told() -> None:
    assert interval_of([1.0] * 80 + [math.inf] * 20, at_least=0.5) == Interval(0.5, None, None)
    assert interval_of([1.0] * 95 + [math.inf] * 5).high == 1.0


def test_a_crawl_that_finds_nothing_new_has_its_queue_left() -> None:
    marks = [Mark(float(n), n, 500) for n in range(200)]
    left = foresee_left(marks, 301, DICE)
    assert left is not None
    assert interval_of(left).low == 301
    assert (interval_of(left).high or 0) < 330


def test_a_crawl_that_finds_more_than_it_visits_has_no_end_that_can_be_told() -> None:
    left = foresee_left([Mark(float(n), n, 3 * n) for n in range(200)], 398, DICE)
    assert left is not None
    assert interval_of(left).high is None


def test_of_few_visits_nothing_is_told() -> None:
    assert foresee_left([Mark(float(n), n, 3) for n in range(8)], 3, DICE) is None


def test_histories_are_bounded_and_begin_anew_when_totals_fall() -> None:
    growth = Growth()
    for n in range(100_000):
        growth.note(Mark(float(n), n, 2 * n))
    assert len(growth.marks) <= MOST_MARKS
    assert growth.marks[-1].visits == 99_999
    assert growth.marks[0].visits == 0, "the beginning is kept: yields fall over the whole crawl"
    growth.note(Mark(1e5, 100_000, 5))
    assert growth.marks[-1] == Mark(1e5, 100_000, 199_998), "URLs that left the queue are counted a moment later"
    growth.note(Mark(1.0, 5, 7))
    assert growth.marks == [Mark(1.0, 5, 7)]
    watch = Watch()
    for n in range(10_000):
        watch.note(float(n), [SiteNow(f"http://{n}", 1, n, 1.0, NO_LIMIT)], n, 1)
    assert len(watch._sites) <= MOST_SITES


def test_a_crawl_with_known_urls_ends_when_its_slowest_site_does() -> None:
    slow, fast = _left(100, 2.0), _left(150, 1.0)
    whole = SiteLeft([Mark(n / 1.5, n, 250 + n) for n in range(60)], 250, 0.0)
    eta = foresee_end([slow, fast], whole, Limits(), is_settled=True)
    assert eta.high_s is not None
    assert eta.low_s <= 200 <= eta.high_s <= 300
    assert (eta.left_low, eta.left_high, eta.by, eta.why) == (250, 250, "queue", "")


@pytest.mark.parametrize(
    ("limits", "by", "about_s"),
    [(Limits(visits=30), "pages", 20), (Limits(seconds=10.0), "time", 10), (Limits(bytes_s=15.0), "bytes", 15)],
)
def test_a_limit_that_comes_first_ends_it_even_if_its_size_cannot_be_told(
    limits: Limits, by: str, about_s: float
) -> None:
    growing = SiteLeft([Mark(n / 1.5, n, 5 * n) for n in range(60)], 240, 0.0)
    eta = foresee_end([], growing, limits)
    assert eta.by == by
    assert eta.high_s is not None
    assert eta.low_s <= about_s <= eta.high_s * 1.1
    assert foresee_end([], growing, Limits()).high_s is None


def test_it_says_why_nothing_can_be_told() -> None:
    growing = SiteLeft([Mark(n / 1.5, n, 5 * n) for n in range(60)], 240, 0.0)
    assert "as many new URLs as they take" in foresee_end([], growing, Limits()).why
    assert foresee_end([], growing, Limits(), unforeseen="seeds are still read").why == "seeds are still read"
    young = SiteLeft(growing.marks[:1], 240, 0.0)
    told = foresee_end([], young, Limits(), at_least_s=12.0)
    assert "too few" in told.why
    assert (told.low_s, told.likely_s, told.high_s, told.by) == (12.0, None, None, None)


def test_an_estimate_counts_down_and_never_below_nothing() -> None:
    eta = Eta(10.0, 20.0, 30.0, 5, 6, 7, "queue", "")
    assert eta.after(15.0) == replace(eta, low_s=0.0, likely_s=5.0, high_s=15.0)
    assert replace(eta, likely_s=None, high_s=None).after(3.0).high_s is None


# -- before a crawl ----------------------------------------------------------------------------------------------------


def test_a_site_that_was_looked_at_whole_has_exactly_its_pages() -> None:
    pages = [PageSeen(str(n), frozenset({"0", str((n + 1) % 7)})) for n in range(7)]
    assert set(foresee_size(Sample(pages, {"0"}), DICE) or ()) == {7.0}


def test_a_sitemap_that_lists_half_of_the_links_lists_half_of_the_site() -> None:
    pages = [PageSeen(str(n), frozenset({str(100 + 2 * n), str(101 + 2 * n)})) for n in range(40)]
    listed = {str(n) for n in [*range(40), *range(100, 180, 2), *range(1000, 1420)]}
    told = interval_of(foresee_size(Sample(pages, {"0"}, listed), DICE) or ())
    assert told.low < 2 * len(listed) < (told.high or 0)


def test_of_a_small_sample_without_a_sitemap_nothing_is_told() -> None:
    pages = [PageSeen(str(n), frozenset({str(n + 1), str(n + 2)})) for n in range(10)]
    assert foresee_size(Sample(pages, {"0"}), DICE) is None
    plan = plan_site("http://a", Sample(pages, {"0"}), delay_s=2.0, asked_s=0.0, per_site=1)
    assert plan.seconds == Interval(24.0, None, None), "twelve URLs are known"


def test_delay_and_requests_at_a_time_change_a_site_that_asks_for_nothing_and_no_other() -> None:
    plain, asking = _plan("http://a", 1000), _plan("http://b", 200, asked_s=20.0)
    for plan, is_moved in (plain, True), (asking, False):
        now = plan_crawl([plan], Terms(256)).seconds.likely or 0.0
        other = other_settings([plan], Terms(256), 1.0, 1)
        assert other["politeness.delay_s", 0.5].seconds.likely == pytest.approx(now * (0.55 / 1.05 if is_moved else 1))
        assert other["politeness.delay_s", 2.0].seconds.likely == pytest.approx(now * (2.05 / 1.05 if is_moved else 1))
        assert other["politeness.per_site", 2.0].seconds.likely == pytest.approx(now / (2 if is_moved else 1))


def test_a_crawl_takes_as_long_as_its_slowest_site_or_all_its_answers_together() -> None:
    plans = [_plan(f"http://{n}", 100 + n) for n in range(50)]
    assert plan_crawl(plans, Terms(256)).seconds.likely == pytest.approx(149 * 1.05)
    assert plan_crawl(plans, Terms(1)).seconds.likely == pytest.approx(sum(range(100, 150)) * 0.05)
    assert plan_crawl(plans, Terms(256)).pages.likely == sum(range(100, 150))


def test_a_limit_of_pages_is_reached_while_sites_bring_theirs_side_by_side() -> None:
    plans = [_plan("http://a", 10), _plan("http://b", 1000)]
    told = plan_crawl(plans, Terms(256, limit=110))
    assert told.pages == Interval(110, 110, 110)
    assert told.seconds.likely == pytest.approx(100 * 1.05)
    unknown = replace(plans[1], visits=[1000.0 if n % 2 else math.inf for n in range(N)])
    assert plan_crawl([unknown], Terms(256)).seconds.high is None
    assert plan_crawl([unknown], Terms(256, limit=2000)).pages == Interval(1000, 1500, 2000)


def _left(queued: int, visit_s: float) -> SiteLeft:
    return SiteLeft([Mark(n * visit_s, n, queued + n) for n in range(40)], queued, visit_s)


def _plan(site: str, visits: int, asked_s: float = 0.0) -> SitePlan:
    return SitePlan(site, [float(visits)] * N, [1.0] * N, [1000.0] * N, [0.05] * N, visits, 1.0, asked_s)
