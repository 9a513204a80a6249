"""A content that comes between others is a sick server's notice, or what it seems: one request more tells."""

from __future__ import annotations

import random

import pytest

from tests.answering import Crawl, Outcome, Site, words
from tests.policy.test_answers import DOWN, ITEMS, SAID, is_whole, item, number_of, out_between


def sick_server(share: float, said: str = "one page", begin: float = 40, site: Site = item) -> Site:
    """Behind a balancer some of the servers are sick."""
    draw = random.Random(8)
    return lambda path, now: SAID[said](path, now) if now > begin and draw.random() < share else site(path, now)


NOTICES = [said for said in SAID if said != "a page with a request id"]
"""Those of a sick server; one that differs in its words each time is taken for content."""


def missed(told: Outcome, paths: list[str] = ITEMS, site: Site = item) -> set[str]:
    return {path for path in paths if told.content.get(path) != site(path, 0)}


@pytest.mark.slow
@pytest.mark.parametrize("per_site", [1, 4])
@pytest.mark.parametrize("said", NOTICES)
def test_a_sick_server_among_others_costs_no_page_and_no_rest(said: str, per_site: int) -> None:
    """Who got the notice long before another did is not remembered."""
    told = Crawl(sick_server(0.1, said), per_site=per_site).run(ITEMS)
    assert len(missed(told)) <= 1
    assert told.asked <= 1.25 * len(ITEMS)
    assert told.ended <= len(ITEMS) * 1.3 / per_site + 60


def test_a_server_that_is_sick_now_and_then_costs_no_page() -> None:
    assert is_whole(
        Crawl(lambda path, now: DOWN if now > 40 and int(now * 5) % 31 == 0 else item(path, now)).run(ITEMS)
    )


@pytest.mark.parametrize("per_site", [1, 4])
def test_sick_servers_may_be_several_and_none_is_well_for_a_time(per_site: int) -> None:
    """The notice of one server is then that of all, and of one again."""
    told = Crawl(out_between(120, 180, site=sick_server(0.15)), per_site=per_site).run(ITEMS)
    assert len(missed(told)) <= 2
    assert told.asked <= 1.5 * len(ITEMS)


@pytest.mark.parametrize("per_site", [1, 4])
def test_an_outage_may_leave_a_sick_server_behind(per_site: int) -> None:
    told = Crawl(out_between(60, 90, site=sick_server(0.1, begin=100)), per_site=per_site).run(ITEMS)
    assert len(missed(told)) <= 2


@pytest.mark.parametrize("per_site", [1, 4])
def test_the_notice_of_a_sick_server_may_be_the_home_page(per_site: int) -> None:
    """Which is content at its own URL."""
    draw = random.Random(8)

    def site(path: str, now: float) -> str:
        return item("/", now) if now > 40 and draw.random() < 0.1 else item(path, now)

    paths = ["/", *ITEMS, *(f"/about/{n}" for n in range(5))]
    assert len(missed(Crawl(site, per_site=per_site).run(paths), paths)) <= 1


def test_duplicates_in_pairs_do_not_hide_a_sick_server() -> None:
    pairs: Site = lambda path, now: words(number_of(path) // 2)  # noqa: E731
    told = Crawl(sick_server(0.1, site=pairs)).run(ITEMS)
    assert len(missed(told, site=pairs)) <= 2


@pytest.mark.parametrize("appears", [range(3, 4), range(0, 9, 3), range(0, 300, 60)])
def test_missing_items_of_which_some_appear_are_believed(appears: range) -> None:
    """Every third page is sorry, and a URL that is asked once more brings an item now."""
    asked = set[str]()

    def site(path: str, now: float) -> str:
        is_new = path not in asked
        asked.add(path)
        is_missing = number_of(path) % 3 == 0 and (is_new or number_of(path) not in appears)
        return "Sorry, no such item." if is_missing else item(path, now)

    told = Crawl(site).run(ITEMS)
    assert set(told.content) | set(told.failed) == set(ITEMS)
    assert len(told.failed) <= 8
    assert told.asked <= 1.5 * len(ITEMS)


def test_many_contents_that_come_again_and_again_cost_few_requests() -> None:
    told = Crawl(lambda path, now: words(random.Random(path).randrange(12))).run(ITEMS)
    assert told.asked <= len(ITEMS) + 16
    assert not told.failed
