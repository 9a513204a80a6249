"""Who was stopped or asleep holds its own absence against nobody."""

from __future__ import annotations

import pytest

from crawler.engine.suspension import AGAIN_S, AWAY_S, MOST_FORGIVEN, Absence
from crawler.model import Disposition, Lease, Outcome, Reason, Request, Url


class HandClock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def ended(disposition: Disposition, reason: Reason | None = None, token: int = 1) -> Outcome:
    return Outcome(Lease(Request(Url("http://a/")), token), disposition, reason)


@pytest.mark.parametrize("disposition", [Disposition.FAILED, Disposition.DEFERRED])
def test_what_timed_out_while_we_were_away_was_no_attempt(clock: HandClock, disposition: Disposition) -> None:
    absence = Absence(clock)
    begun = absence.beat()
    clock.now += 60
    judged = absence.forgive(ended(disposition, Reason.TIMEOUT), begun)
    assert (judged.disposition, judged.reason, judged.retry_in_s) == (Disposition.DEFERRED, None, AGAIN_S)


def test_a_connection_that_broke_meanwhile_and_is_missed_later_is_forgiven_too(clock: HandClock) -> None:
    absence = Absence(clock)
    begun = absence.beat()
    clock.now += 60
    for _ in range(100):
        absence.beat()
        clock.now += AWAY_S / 2
    assert absence.forgive(ended(Disposition.FAILED, Reason.CONNECT), begun).disposition is Disposition.DEFERRED


def test_what_failed_while_we_were_here_counts(clock: HandClock) -> None:
    absence = Absence(clock)
    clock.now += 60
    begun = absence.beat()
    clock.now += AWAY_S / 2
    outcome = ended(Disposition.FAILED, Reason.TIMEOUT)
    assert absence.forgive(outcome, begun + 0.1) is outcome


@pytest.mark.parametrize("reason", [None, Reason.STATUS_4XX, Reason.ROBOTS, Reason.PARSE_CRASH])
def test_what_has_nothing_to_do_with_it_counts(clock: HandClock, reason: Reason | None) -> None:
    absence = Absence(clock)
    begun = absence.beat()
    clock.now += 60
    outcome = ended(Disposition.FAILED, reason)
    assert absence.forgive(outcome, begun) is outcome


def test_who_is_away_all_the_time_comes_to_an_end_all_the_same(clock: HandClock) -> None:
    absence = Absence(clock)
    dispositions = []
    for _ in range(MOST_FORGIVEN + 1):
        begun = absence.beat()
        clock.now += 60
        dispositions.append(absence.forgive(ended(Disposition.FAILED, Reason.TIMEOUT), begun).disposition)
    assert dispositions == [Disposition.DEFERRED] * MOST_FORGIVEN + [Disposition.FAILED]
