"""Counts, rates, and the one thing to change first."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from crawler.daemon.settings import DaemonConfig
from crawler.metrics.bounds import ADVICE, ADVICE_IN_SETTINGS, Bound
from crawler.metrics.gauges import Gauges, bound_by
from crawler.metrics.metrics import MAX_FAILURES, Ending, Metrics
from crawler.metrics.troubles import Failures
from crawler.model import Disposition, Lease, Outcome, Page, Reason, Request, Response, Url
from crawler.policy.politeness import Wait
from crawler.settings.catalog import fields
from crawler.standing import Counts


def outcome(url: str, disposition: Disposition, reason: Reason | None = None, body: bytes = b"") -> Outcome:
    request = Request(Url(url))
    return Outcome(Lease(request, 1), disposition, reason, response=Response(request.url, 200, (), body))


@pytest.mark.parametrize(
    ("gauges", "bound"),
    [
        (Gauges(concurrency=10), Bound.IDLE),
        (Gauges(concurrency=10, reads_seeds=True), Bound.SEEDS),
        (Gauges(in_flight=3, concurrency=10), Bound.NETWORK),
        (Gauges(in_flight=10, concurrency=10, waits_for_turn=True, is_throttled=True), Bound.BANDWIDTH),
        (Gauges(concurrency=10, is_throttled=True), Bound.IDLE),
        (Gauges(in_flight=3, concurrency=10, waits_for_turn=True), Bound.POLITENESS),
        (Gauges(in_flight=3, concurrency=10, waits_for_turn=True, why=Wait.REST), Bound.POLITENESS),
        (Gauges(concurrency=10, waits_for_turn=True, why=Wait.ASKED), Bound.CRAWL_DELAY),
        (Gauges(in_flight=1, concurrency=10, waits_for_turn=True, why=Wait.BUSY), Bound.PER_SITE),
        (Gauges(in_flight=1, concurrency=10, waits_for_turn=True, why=Wait.ADDRESS), Bound.PER_IP),
        (Gauges(concurrency=10, waits_for_turn=True, why=Wait.RETRY), Bound.RETRIES),
        (Gauges(concurrency=10, waits_for_turn=True, why=Wait.DNS), Bound.DNS),
        (Gauges(concurrency=10, waits_for_turn=True, why=Wait.HELD), Bound.HELD),
        (Gauges(concurrency=10, has_parked=True), Bound.PARKED),
        (Gauges(concurrency=10, has_parked=True, reads_seeds=True), Bound.SEEDS),
        (Gauges(in_flight=3, concurrency=10, has_parked=True), Bound.NETWORK),
        (Gauges(in_flight=3, concurrency=10, fails_by_names=True), Bound.DNS),
        (Gauges(in_flight=10, concurrency=10, fails_by_names=True), Bound.DNS),
        (Gauges(in_flight=3, concurrency=10, waits_for_place=True), Bound.PLACES),
        (Gauges(in_flight=10, concurrency=10), Bound.CONCURRENCY),
        (Gauges(in_flight=10, concurrency=10, loop_busy=0.97), Bound.LOOP),
        (Gauges(in_flight=100, concurrency=100, parse_backlog=60), Bound.PARSING),
        (Gauges(in_flight=100, concurrency=100, parse_backlog=60, record_backlog=200, record_room=256), Bound.OUTPUT),
    ],
)
def test_what_limits_a_crawl_is_judged_from_the_end_of_the_line(gauges: Gauges, bound: Bound) -> None:
    assert bound_by(gauges) is bound


def test_every_bound_has_its_advice() -> None:
    assert set(ADVICE) == set(ADVICE_IN_SETTINGS) == set(Bound)


@pytest.mark.parametrize("bound", Bound)
def test_who_speaks_to_a_daemon_is_told_of_settings_and_not_of_flags(bound: Bound) -> None:
    assert "--" not in ADVICE_IN_SETTINGS[bound]
    named = re.findall(r"(?:fetch|politeness|scope|offload)\.[a-z_]+", ADVICE[bound] + ADVICE_IN_SETTINGS[bound])
    assert set(named) <= set(fields())
    daemons = re.findall(r"daemon\.([a-z_]+)", ADVICE_IN_SETTINGS[bound])
    assert set(daemons) <= set(DaemonConfig.model_fields)


@pytest.mark.parametrize("bound", [Bound.CRAWL_DELAY, Bound.RETRIES])
def test_where_the_other_side_sets_the_pace_no_setting_is_advised(bound: Bound) -> None:
    assert ADVICE[bound] == ADVICE_IN_SETTINGS[bound] != ""
    assert "--" not in ADVICE[bound]


def test_a_crawl_whose_visits_mostly_fail_for_want_of_an_address_is_bound_by_names() -> None:
    metrics = Metrics()
    for n in range(100):
        metrics.fold(outcome(f"http://{n}.test/", Disposition.FAILED, Reason.DNS))
    metrics.observe(Gauges(in_flight=5, concurrency=10))
    assert metrics.snapshot(Counts(), [], 5).bound_by is Bound.DNS
    for n in range(100):
        metrics.fold(outcome(f"http://{n}.test/", Disposition.FETCHED))
    metrics.observe(Gauges(in_flight=5, concurrency=10))
    assert metrics.snapshot(Counts(), [], 5).bound_by is Bound.NETWORK


def test_a_summary_tells_what_happened_and_what_failed_where() -> None:
    metrics = Metrics()
    metrics.fold(outcome("http://a.test/", Disposition.FETCHED, body=b"x" * 10))
    metrics.fold(outcome("http://b.test/1", Disposition.FAILED, Reason.TIMEOUT))
    metrics.fold(outcome("http://b.test/2", Disposition.FAILED, Reason.TIMEOUT))
    metrics.fold(outcome("http://a.test/3", Disposition.DEFERRED, Reason.CONNECT))
    summary = metrics.summary(Ending.EXHAUSTED, Counts(queued=2, leased=1))
    assert (summary.pages, summary.bytes, summary.failed, summary.queued) == (1, 10, 2, 3)
    assert summary.reasons == {Reason.TIMEOUT: 2, Reason.CONNECT: 1}
    assert summary.failures == [Failures("http://b.test", Reason.TIMEOUT, 2, "http://b.test/1")]


def test_pages_at_which_a_parse_function_failed_are_failures_with_its_name_and_warned_about_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = Metrics()
    failed = Page(b"", data_error="KeyError: 'price'", parser="item")
    for n, page in enumerate((failed, replace(failed, data_trace="Traceback:\n  line 7"), failed)):
        read = outcome(f"http://a.test/{n}", Disposition.FETCHED, Reason.PARSE)
        metrics.fold(replace(read, page=page))
    metrics.fold(replace(outcome("http://a.test/9", Disposition.DUPLICATE), page=replace(failed, parser="listing")))
    assert metrics.failures(9) == [
        Failures("http://a.test", Reason.PARSE, 3, "http://a.test/0", "item"),
        Failures("http://a.test", Reason.PARSE, 1, "http://a.test/9", "listing"),
    ]
    assert metrics.pages == 3
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert ["/0:" in told[0], "/1:" in told[1], "listing" in told[2]] == [True] * 3
    assert len(told) == 3  # without a trace, with it, and that of the other function
    assert "  line 7" in caplog.text


def test_failures_at_ever_new_sites_do_not_fill_the_memory() -> None:
    metrics = Metrics()
    for n in range(MAX_FAILURES + 50):
        metrics.fold(outcome(f"http://h{n}.test/", Disposition.FAILED, Reason.DNS))
    assert len(metrics.failures(10**6)) == MAX_FAILURES
    assert metrics.reasons[Reason.DNS] == MAX_FAILURES + 50
