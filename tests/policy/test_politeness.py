"""When we may come again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Disposition, Lease, Outcome, Reason, Request, Response, Url
from crawler.policy.pace import Adapt
from crawler.policy.politeness import MOST_SILENT, Silence, retry_after_s, setback
from tests.defaults import make_politeness

NOON = 1_760_000_000.0  # 2025-10-09 08:53:20 UTC


def answer(status: int, **headers: str) -> Response:
    raw = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
    return Response(Url("http://a.test/"), status, raw)


@pytest.mark.parametrize(("own", "theirs", "rest"), [(1, None, 1), (1, 5, 5), (1, 0.2, 1), (1, 900, 60), (0, None, 0)])
def test_a_larger_crawl_delay_wins_up_to_the_cap(own: float, theirs: float | None, rest: float) -> None:
    assert make_politeness(delay_s=own, max_delay_s=60).rest_s("http://a.test", theirs) == rest


@pytest.mark.parametrize(
    ("own", "theirs", "cap", "asked"),
    [(1, 4, 60, 4), (1, 0.5, 60, 1), (0, 0.5, 60, 0.5), (1, 90, 60, 60), (1, None, 60, 0), (1, 0, 60, 0), (1, 4, 0, 0)],
)
def test_a_crawl_delay_is_a_word_of_the_site_unless_it_asks_for_nothing(
    own: float, theirs: float | None, cap: float, asked: float
) -> None:
    """It is never less than our own rest."""
    assert make_politeness(delay_s=own, max_delay_s=cap).asked_s("http://a.test", theirs) == asked


def test_silence_is_kept_until_it_is_over_and_remembered_within_bounds() -> None:
    silence = Silence()
    silence.keep("http://a", 10.0, 0.0)
    silence.keep("http://a", 5.0, 0.0)
    assert silence.is_kept("http://a", 9.9)
    assert not silence.is_kept("http://a", 10.0)
    for n in range(2 * MOST_SILENT):
        silence.keep(f"http://{n}", n + 1.0, float(n))
    assert len(silence._until) <= MOST_SILENT


def test_attempts_lie_further_and_further_apart_and_end() -> None:
    politeness = make_politeness(retry_delay_s=3, max_attempts=3)
    assert [politeness.retry_in_s(n) for n in (1, 2, 3)] == [3, 9, None]


def test_retry_after_lengthens_the_wait_but_not_without_bound() -> None:
    politeness = make_politeness(retry_delay_s=3, max_delay_s=60, max_retry_after_s=600)
    assert politeness.retry_in_s(1, 50) == 50
    assert politeness.retry_in_s(1, 10**9) == 600
    assert politeness.hold_s(None) == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Thu, 09 Oct 2025 08:54:20 GMT", 60),
        ("Thu, 09 Oct 2025 08:00:00 GMT", 0),
        ("Thursday, 09-Oct-25 08:54:20 GMT", 60),
        ("Thu Oct  9 08:54:20 2025", 60),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
        ("Thu, 09 Oct 2025 10:54:20 +0200", 60),
        ("Thu, 09 Oct 99999 08:54:20 GMT", None),
        ("Thu, 09 Oct 2025 25:54:20 GMT", None),
        ("Thu, 00 Oct 2025 08:54:20 GMT", None),
        (", ,", None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 400, 999_999_999),
        ("Thu, 99 Oct 2025 08:54:20 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for zone in ("UTC", "Asia/Tokyo"):  # a date says its own zone, or means UTC: ours is nobody's business
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert retry_after_s(text, NOON) == seconds


@pytest.mark.parametrize(
    ("status", "reason", "transient"),
    [
        (404, Reason.STATUS_4XX, False),
        (408, Reason.STATUS_4XX, True),
        (429, Reason.RATE_LIMITED, True),
        (500, Reason.STATUS_5XX, True),
        (501, Reason.STATUS_5XX, False),
        (503, Reason.STATUS_5XX, True),
    ],
)
def test_what_a_status_means(status: int, reason: Reason, transient: bool) -> None:
    error = setback(answer(status, retry_after="7"), NOON)
    assert error is not None
    assert (error.reason, error.transient) == (reason, transient)
    assert error.retry_after_s == (7 if status in (429, 503) else None)


@pytest.mark.parametrize("status", [200, 204, 301, 304, 399])
def test_other_statuses_are_no_setback(status: int) -> None:
    assert setback(answer(status), NOON) is None


@pytest.mark.slow
@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,9} \d\d:\d\d(:\d\d)? ?\S{0,9}"))
def test_whatever_retry_after_says_is_seconds_or_nothing(text: str) -> None:
    wait_s = retry_after_s(text, NOON)
    assert wait_s is None or wait_s >= 0


@pytest.fixture(autouse=True, scope="module")
def own_zone() -> Iterator[None]:
    """The zone of this machine, once the stories are over."""
    yield
    time.tzset()


# -- revisits --------------------------------------------------------------------------------------------------------

DAY = 86400.0
KEPT = make_politeness(revisit_after_s=DAY, revisit_at_most_s=30 * DAY)
FINAL = [disposition for disposition in Disposition if disposition is not Disposition.DEFERRED]
CHANGED = (Disposition.FETCHED, Disposition.DUPLICATE)


def revisited(
    disposition: Disposition, days: float, visit: int = 2, digest: bytes = b"", reason: Reason | None = None
) -> Outcome:
    request = Request(Url("http://a.test/"), visit=visit, interval_s=days * DAY, digest=digest)
    return Outcome(Lease(request, 1), disposition, reason)


def test_without_revisits_nothing_comes_back() -> None:
    assert make_politeness().revisit_in_s(revisited(Disposition.FETCHED, 0, visit=1)) is None


@pytest.mark.parametrize("disposition", [one for one in FINAL if one is not Disposition.EXCLUDED])
def test_whatever_became_of_a_first_visit_the_next_comes_after_the_least_wait(disposition: Disposition) -> None:
    assert KEPT.revisit_in_s(revisited(disposition, 0, visit=1)) == DAY


def test_a_page_that_does_not_change_is_asked_more_and_more_rarely_and_one_that_does_more_often() -> None:
    waits = [1.0]
    for disposition in [Disposition.UNCHANGED] * 6 + [Disposition.FETCHED] * 6:
        waits.append((KEPT.revisit_in_s(revisited(disposition, waits[-1])) or 0) / DAY)
    assert waits == [1, 2, 4, 8, 16, 30, 30, 15, 7.5, 3.75, 1.875, 1, 1]


def test_a_page_that_became_a_redirect_changed_and_one_that_stayed_a_redirect_did_not() -> None:
    assert KEPT.revisit_in_s(revisited(Disposition.REDIRECTED, 4, digest=b"content")) == 2 * DAY
    assert KEPT.revisit_in_s(revisited(Disposition.REDIRECTED, 4)) == 8 * DAY


def test_what_robots_exclude_is_asked_about_again_and_what_the_scope_excludes_is_not() -> None:
    assert KEPT.revisit_in_s(revisited(Disposition.EXCLUDED, 4, reason=Reason.ROBOTS)) == 8 * DAY
    assert KEPT.revisit_in_s(revisited(Disposition.EXCLUDED, 4, reason=Reason.OUT_OF_SCOPE)) is None


@given(
    least=st.floats(0, 1e9),
    most=st.floats(0, 1e9),
    days=st.floats(0, 1e6),
    visit=st.integers(1, 9),
    disposition=st.sampled_from([one for one in FINAL if one is not Disposition.EXCLUDED]),
    digest=st.sampled_from([b"", b"x"]),
)
def test_a_wait_lies_between_its_bounds_and_moves_towards_what_was_found(
    least: float, most: float, days: float, visit: int, disposition: Disposition, digest: bytes
) -> None:
    most = max(least, most)
    outcome = revisited(disposition, days, visit, digest)
    wait_s = make_politeness(revisit_after_s=least, revisit_at_most_s=most).revisit_in_s(outcome)
    assert wait_s is not None
    assert least <= wait_s <= most
    before = days * DAY
    if visit > 1 and least <= before <= most:
        has_changed = disposition in CHANGED or (disposition is Disposition.REDIRECTED and digest)
        assert wait_s <= before if has_changed else wait_s >= before


def test_a_site_that_is_out_rests_longer_each_time_and_its_urls_longer_still() -> None:
    politeness = make_politeness(retry_delay_s=3, max_retry_after_s=600, max_attempts=3)
    assert [politeness.backoff_s(step) for step in (0, 1, 2, 3, 6, 1000)] == [0, 3, 9, 27, 600, 600]
    assert [politeness.return_in_s(1, backoff_s) for backoff_s in (0, 3, 27, 600)] == [3, 9, 81, 600]
    assert [politeness.return_in_s(2, backoff_s) for backoff_s in (0, 3, 27)] == [9, 81, 600]
    assert politeness.return_in_s(3, 3) is None


def test_another_attempt_may_cure_these_statuses_and_no_others() -> None:
    setbacks = {status: setback(answer(status), NOON) for status in range(400, 1000)}
    assert {status for status, error in setbacks.items() if error and error.transient} == {
        408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "longest_s"),
    [
        ({}, 600.0),
        ({"delay_s": 700.0}, 700.0),
        ({"max_delay_s": 700.0}, 700.0),
        ({"max_retry_after_s": 0.0}, 60.0),
        ({"max_delay_s": 0.0, "max_retry_after_s": 0.0}, 30.0),
        ({"max_delay_s": 0.0, "max_retry_after_s": 0.0, "adapt": Adapt(2.0, 45.0)}, 45.0),
        ({"max_delay_s": 0.0, "max_retry_after_s": 0.0, "adapt": None}, 9.0),
        ({"max_delay_s": 0.0, "max_retry_after_s": 0.0, "adapt": None, "max_attempts": 2}, 3.0),
        ({"max_delay_s": 0.0, "max_retry_after_s": 0.0, "adapt": None, "max_attempts": 1}, 3.0),
        ({"max_attempts": 8}, 3.0 * 3**6),
        ({"max_attempts": 1000}, 3.0 * 3**50),
    ],
)
def test_nothing_waits_longer_than_the_longest_wait(settings: dict[str, Any], longest_s: float) -> None:
    politeness = make_politeness(**settings)
    assert politeness.longest_s == longest_s
    waits = [politeness.retry_in_s(attempt) or 0.0 for attempt in range(1, 60)]
    if politeness.max_attempts < 50:
        assert max(waits) <= longest_s
