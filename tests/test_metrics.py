"""Counts, rates, and the one thing to change first."""

from __future__ import annotations

import pytest

from crawler.metrics import ADVICE, MAX_FAILURES, Bound, Ending, Gauges, Metrics, bound_by
from crawler.model import Counts, Disposition, Lease, Outcome, Reason, Request, Response, Url


def outcome(url: str, disposition: Disposition, reason: Reason | None = None, body: bytes = b"") -> Outcome:
    request = Request(Url(url))
    return Outcome(Lease(request, 1), disposition, reason, response=Response(request.url, 200, (), body))


@pytest.mark.parametrize(
    ("gauges", "bound"),
    [
        (Gauges(concurrency=10), Bound.IDLE),
        (Gauges(concurrency=10, reads_seeds=True), Bound.SEEDS),
        (Gauges(in_flight=3, concurrency=10), Bound.NETWORK),
        (Gauges(in_flight=3, concurrency=10, waits_for_turn=True), Bound.POLITENESS),
        (Gauges(in_flight=10, concurrency=10), Bound.CONCURRENCY),
        (Gauges(in_flight=10, concurrency=10, loop_busy=0.97), Bound.LOOP),
        (Gauges(in_flight=100, concurrency=100, parse_backlog=60), Bound.PARSING),
        (Gauges(in_flight=100, concurrency=100, parse_backlog=60, record_backlog=200, record_room=256), Bound.OUTPUT),
    ],
)
def test_what_limits_a_crawl_is_judged_from_the_end_of_the_line(gauges: Gauges, bound: Bound) -> None:
    assert bound_by(gauges) is bound


def test_every_bound_has_its_advice() -> None:
    assert set(ADVICE) == set(Bound)


def test_a_summary_tells_what_happened_and_what_failed_where() -> None:
    metrics = Metrics()
    metrics.fold(outcome("http://a.test/", Disposition.FETCHED, body=b"x" * 10))
    metrics.fold(outcome("http://b.test/1", Disposition.FAILED, Reason.TIMEOUT))
    metrics.fold(outcome("http://b.test/2", Disposition.FAILED, Reason.TIMEOUT))
    metrics.fold(outcome("http://a.test/3", Disposition.DEFERRED, Reason.CONNECT))
    summary = metrics.summary(Ending.EXHAUSTED, Counts(queued=2, leased=1))
    assert (summary.pages, summary.bytes, summary.failed, summary.queued) == (1, 10, 2, 3)
    assert summary.reasons == {Reason.TIMEOUT: 2, Reason.CONNECT: 1}
    assert summary.failures == [("http://b.test", Reason.TIMEOUT, 2, "http://b.test/1")]


def test_failures_at_ever_new_sites_do_not_fill_the_memory() -> None:
    metrics = Metrics()
    for n in range(MAX_FAILURES + 50):
        metrics.fold(outcome(f"http://h{n}.test/", Disposition.FAILED, Reason.DNS))
    assert len(metrics.failures(10**6)) == MAX_FAILURES
    assert metrics.reasons[Reason.DNS] == MAX_FAILURES + 50
