"""Sites that are slow or in trouble rest longer, within bounds, and come back."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import FetchError, OutOfFiles
from crawler.model import Reason, Response, Timings, Url
from crawler.policy.pace import MOST_TIMES, OURS_FROM, Adapt, Pace, Sign, read_answer, read_error
from crawler.reach.slow_sites import recall_slow_sites
from crawler.runtime.presence import Presence
from tests.defaults import make_politeness

SITE = "http://a.test"
ADAPT = Adapt(factor=2.0, most_s=30.0)
GOOD = Sign(is_good=True, answer_s=0.1)
SICK = Sign(trouble="HTTP 503", answer_s=0.01)


def slow(answer_s: float) -> Sign:
    return Sign(is_good=True, answer_s=answer_s)


@dataclass
class Simulated:
    """A pace under a clock of its own: exchanges follow one another, each after the rest of the one before."""

    adapt: Adapt | None = ADAPT
    least_s: float = 1.0
    now: float = 100.0
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(Presence(lambda: self.now), lambda: self.now)

    def ask(self, sign: Sign, site: str = SITE) -> float:
        """Makes one exchange, and waits for the rest that follows it; returns that rest."""
        exchange = self.pace.begin(site, self.least_s, self.adapt)
        self.now += sign.answer_s or 0.0
        rest_s = self.pace.note(exchange, sign)
        self.now += rest_s
        return rest_s

    def ask_all(self, signs: Sequence[Sign]) -> list[float]:
        return [self.ask(sign) for sign in signs]

    @property
    def why(self) -> str:
        return self.pace.why(SITE, self.least_s, self.adapt)


def response(status: int, ttfb_ms: float = 100.0, ip: str = "192.0.2.1") -> Response:
    return Response(Url("http://a.test/"), status, (), ip=ip, timings=Timings(ttfb=ttfb_ms, download=9000, queue=9000))


# -- slow sites --------------------------------------------------------------------------------------------------------


def test_a_site_that_answers_within_half_a_second_rests_for_its_delay_and_costs_no_memory() -> None:
    crawl = Simulated()
    assert crawl.ask_all([slow(n / 100) for n in range(50)]) == [1.0] * 50
    assert (len(crawl.pace), crawl.why) == (0, "")


def test_a_slow_site_comes_to_rest_twice_as_long_as_it_answers_and_back_to_its_delay() -> None:
    crawl = Simulated()
    rests = crawl.ask_all([slow(3.0)] * 20)
    assert rests == sorted(rests)
    assert 1.0 < rests[0] < 3.0
    assert rests[-1] == pytest.approx(6.0, rel=0.01)
    assert crawl.why == "answers take 3.0 s"
    rests = crawl.ask_all([slow(0.1)] * 20)
    assert rests == sorted(rests, reverse=True)
    assert rests[0] > 4.0
    assert (rests[-1], len(crawl.pace), crawl.why) == (1.0, 0, "")


def test_one_slow_page_among_fast_ones_changes_little() -> None:
    crawl = Simulated()
    rests = crawl.ask_all([GOOD, slow(3.0), *[GOOD] * 5])
    assert max(rests) < 2.5
    assert rests[-1] == 1.0


@pytest.mark.parametrize(
    ("least_s", "rest_s"), [(0.0, 0.0), (0.01, 0.04), (0.5, 2.0), (1.0, 4.0), (3.0, 4.0), (9.0, 9.0)]
)
def test_a_short_delay_gets_a_share_of_the_factor_and_none_gets_none(least_s: float, rest_s: float) -> None:
    assert Simulated(least_s=least_s).ask_all([slow(2.0)] * 40)[-1] == pytest.approx(rest_s, rel=0.01)


@pytest.mark.parametrize("least_s", [0.01, 0.1, 0.5, 1.0])
def test_a_short_delay_is_kept_too_while_a_site_answers_within_half_a_second(least_s: float) -> None:
    assert set(Simulated(least_s=least_s).ask_all([slow(0.4)] * 20)) == {least_s}


def test_with_a_factor_of_nothing_only_trouble_counts() -> None:
    crawl = Simulated(Adapt(0.0, 30.0))
    assert crawl.ask_all([slow(5.0)] * 9 + [SICK]) == [1.0] * 9 + [2.0]


# -- sites in trouble --------------------------------------------------------------------------------------------------


def test_trouble_doubles_the_rest_up_to_the_bound_and_good_answers_bring_it_back_slowly() -> None:
    crawl = Simulated()
    assert crawl.ask_all([SICK] * 7) == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert crawl.why == "HTTP 503, 7 times in a row"
    back = crawl.ask_all([GOOD] * 16)
    assert back[:4] == pytest.approx([24.0, 19.2, 15.36, 12.288])
    assert (back[-1], len(crawl.pace)) == (1.0, 0)


def test_words_say_what_happened_last() -> None:
    crawl = Simulated()
    crawl.ask(SICK)
    assert crawl.why == "HTTP 503"
    crawl.ask(GOOD)
    assert crawl.why == "HTTP 503 not long ago"
    crawl.ask(slow(9.0))
    crawl.ask(Sign(trouble="timeout"))
    assert crawl.why == "timeout; answers take 2.6 s"


def test_answers_to_requests_from_before_the_longer_rest_say_nothing_about_it() -> None:
    """So four places of a site that fail at once double its rest once, and four that succeed do not undo it."""
    crawl = Simulated()
    under_way = [crawl.pace.begin(SITE, 1.0, ADAPT) for _ in range(8)]
    crawl.now += 0.1
    signs = [SICK] * 4 + [GOOD] * 4
    assert [crawl.pace.note(one, sign) for one, sign in zip(under_way, signs, strict=True)] == [2.0] * 8


def test_fast_errors_do_not_make_a_slow_site_look_fast() -> None:
    crawl = Simulated()
    crawl.ask_all([slow(4.0)] * 20)
    rests = crawl.ask_all([read_answer(response(status, 1.0)) for status in (400, 403, 404, 410, 500, 429, 503) * 9])
    assert min(rests) > 7.9


def test_the_bound_does_not_shorten_a_longer_delay() -> None:
    crawl = Simulated(least_s=45.0)
    assert set(crawl.ask_all([SICK, slow(60.0)] * 5)) == {45.0}


# -- what counts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504, 520, 524, 529])
def test_answers_of_servers_with_too_much_to_do_are_trouble(status: int) -> None:
    assert read_answer(response(status)) == Sign(f"HTTP {status}", is_good=False, answer_s=0.1)


@pytest.mark.parametrize("status", [400, 401, 403, 408, 500, 501])
def test_other_errors_are_neither_good_nor_trouble(status: int) -> None:
    assert read_answer(response(status)) == Sign(answer_s=0.1)


@pytest.mark.parametrize("status", [200, 204, 301, 304])
def test_all_else_is_a_good_answer(status: int) -> None:
    """Only the wait for its head counts: not the body, and not our own queues."""
    assert read_answer(response(status)) == Sign(is_good=True, answer_s=0.1)


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_gone_shows_that_the_site_is_well_and_not_how_fast_it_is(status: int) -> None:
    assert read_answer(response(status)) == Sign(is_good=True)


def test_the_time_of_an_answer_through_a_proxy_is_not_the_sites() -> None:
    assert read_answer(response(200, 9000.0, ip="")) == Sign(is_good=True, answer_s=None)


@pytest.mark.parametrize("reason", [Reason.CONNECT, Reason.TIMEOUT, Reason.TLS, Reason.TOO_SLOW, Reason.BAD_RESPONSE])
def test_broken_exchanges_that_may_succeed_later_are_trouble(reason: Reason) -> None:
    assert read_error(FetchError(reason, transient=True)) == Sign(reason.value, is_silent=True)
    assert read_error(FetchError(reason)) == Sign()


@pytest.mark.parametrize("error", [FetchError(Reason.DNS, transient=True), OutOfFiles(Reason.CONNECT, transient=True)])
def test_our_own_troubles_are_not_the_sites(error: FetchError) -> None:
    assert read_error(error) == Sign()


def test_an_exchange_during_which_this_process_was_away_tells_nothing() -> None:
    crawl = Simulated()
    presence = crawl.pace._presence
    with presence.watch():
        for sign in (slow(60.0), Sign("timeout", is_silent=True)):
            exchange = crawl.pace.begin(SITE, 1.0, ADAPT)
            crawl.now += 60
            assert crawl.pace.note(exchange, sign) == 1.0
    assert len(crawl.pace) == 0


def test_when_many_sites_in_a_row_give_no_answer_it_is_our_own_connection() -> None:
    crawl = Simulated()
    silent = Sign("timeout", is_silent=True)
    rests = [crawl.ask(silent, f"http://{n}.test") for n in range(OURS_FROM + 20)]
    assert rests == [2.0] * OURS_FROM + [1.0] * 20
    crawl.ask(GOOD)
    assert crawl.ask(silent) == 2.0


def test_one_site_that_gives_no_answer_is_never_taken_for_our_own_connection() -> None:
    assert Simulated().ask_all([Sign("timeout", is_silent=True)] * 9)[-1] == 30.0


# -- promises ----------------------------------------------------------------------------------------------------------

SIGNS = st.builds(
    Sign,
    trouble=st.sampled_from(["", "", "HTTP 503"]),
    is_good=st.booleans(),
    answer_s=st.none() | st.floats(0, 1e9),
    is_silent=st.booleans(),
)
TERMS = st.builds(Adapt, factor=st.floats(0, 100), most_s=st.floats(0, 3600))
DELAYS = st.just(0.0) | st.floats(1e-6, 1000)


@given(st.lists(SIGNS, max_size=40), TERMS, DELAYS)
def test_whatever_a_site_answers_it_rests_no_less_than_its_delay_and_no_longer_than_the_bound(
    signs: list[Sign], adapt: Adapt, least_s: float
) -> None:
    for rest_s in Simulated(adapt, least_s).ask_all(signs):
        assert least_s <= rest_s <= max(least_s, adapt.most_s if least_s else 0.0)


@given(st.lists(SIGNS, max_size=40), TERMS, DELAYS)
def test_after_enough_good_answers_every_site_is_back_at_its_delay(
    signs: list[Sign], adapt: Adapt, least_s: float
) -> None:
    crawl = Simulated(adapt, least_s)
    crawl.ask_all(signs)
    rests = crawl.ask_all([slow(0.0)] * 120)
    assert rests == sorted(rests, reverse=True)
    assert (rests[-1], len(crawl.pace), crawl.why) == (least_s, 0, "")


@given(st.lists(st.tuples(SIGNS, st.floats(0, 100)), max_size=30), TERMS, DELAYS)
def test_a_slower_site_never_rests_less(pairs: list[tuple[Sign, float]], adapt: Adapt, least_s: float) -> None:
    signs = [sign for sign, _ in pairs]
    slower = [
        sign if sign.answer_s is None else sign._replace(answer_s=sign.answer_s + more_s) for sign, more_s in pairs
    ]
    fast, late = Simulated(adapt, least_s).ask_all(signs), Simulated(adapt, least_s).ask_all(slower)
    assert all(a <= b * (1 + 1e-9) for a, b in zip(fast, late, strict=True))


@given(st.lists(SIGNS, max_size=30), DELAYS)
def test_off_means_the_delay_and_nothing_else(signs: list[Sign], least_s: float) -> None:
    assert set(Simulated(None, least_s).ask_all(signs)) <= {least_s}


def test_turning_it_off_holds_at_once_and_forgets() -> None:
    crawl = Simulated()
    crawl.ask_all([SICK] * 5)
    crawl.adapt = None
    assert (crawl.pace.rest_s(SITE, 1.0, None), crawl.why) == (1.0, "")
    crawl.ask(GOOD)
    assert len(crawl.pace) == 0


def test_a_trouble_multiplies_by_no_more_than_the_most() -> None:
    assert Simulated(least_s=0.01).ask_all([SICK] * 20)[-1] == pytest.approx(0.01 * MOST_TIMES)


def test_the_longest_wait_of_the_settings_includes_it() -> None:
    assert make_politeness(max_retry_after_s=0, max_delay_s=0, adapt=Adapt(2, 77)).longest_s == 77


def test_so_many_slow_sites_are_kept_and_no_more_in_a_few_hundred_bytes_each() -> None:
    most, crawl = 2000, Simulated()
    crawl.pace = Pace(Presence(lambda: crawl.now), lambda: crawl.now, most)
    names = [f"http://{n}.test" for n in range(most + 10)]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for name in names[:most]:
            crawl.ask(slow(2.0), name)
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert used / most < 300
    for name in names[most:]:
        crawl.ask(slow(2.0), name)
    assert len(crawl.pace) == most
    assert crawl.pace.rest_s(names[0], 1.0, ADAPT) == 1.0
    assert crawl.pace.rest_s(names[-1], 1.0, ADAPT) > 1.0


# -- what outlasts a run -----------------------------------------------------------------------------------------------


def test_the_slowest_sites_are_told_and_recalled() -> None:
    crawl, again = Simulated(), Simulated()
    crawl.ask_all([SICK, SICK, GOOD])
    crawl.ask(slow(4.0), "http://slow.test")
    again.pace.recall(orjson.loads(orjson.dumps(crawl.pace.slowest(9))))
    assert again.why == crawl.why == "HTTP 503 not long ago"
    assert again.pace.rest_s(SITE, 1.0, ADAPT) == crawl.pace.rest_s(SITE, 1.0, ADAPT) == 3.2
    assert again.ask(SICK) == 6.4
    assert list(crawl.pace.slowest(1)) == [SITE]


@pytest.mark.parametrize(
    "values", [None, 7, "x", [], [1.0], [1.0, 2.0, 3, 4], ["1", 2.0, "x", 1], [1.0, None, "x", 1], {"a": 1}]
)
def test_values_of_another_shape_are_left_out(values: object) -> None:
    pace = Pace()
    pace.recall({SITE: values})
    assert len(pace) == 0


def test_recalled_values_are_held_to_the_bounds() -> None:
    crawl = Simulated()
    crawl.pace.recall({SITE: [-1e300, 1e300, "HTTP 503", 5]})
    assert crawl.pace.rest_s(SITE, 1.0, ADAPT) == 30.0
    crawl.ask_all([GOOD] * 20)
    assert crawl.pace.rest_s(SITE, 1.0, ADAPT) == 1.0


SITES = {SITE: [9.0, 9.0, "HTTP 503", 1]}


@pytest.mark.parametrize("note", [None, [], {}, {"at": 0, "sites": SITES}, {"at": "x", "sites": SITES}, {"at": 1e12}])
def test_a_note_that_is_old_or_unreadable_changes_nothing(note: object) -> None:
    assert len(recall_slow_sites(Pace(), note)) == 0
