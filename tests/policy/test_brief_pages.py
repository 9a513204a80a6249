"""Pages whose like are well known are not all compared, and still no trap and no outage is missed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from crawler.frontier import open_memory
from crawler.model import Disposition, Lease, Outcome, Page, Request, Url
from crawler.parse import parse
from crawler.parse.page import LONG_TEXT
from crawler.policy.answers import Answer, Answers
from crawler.policy.traps import Novelty
from crawler.policy.traps.pattern import MANY
from crawler.visit import COMPARED_ONE_IN, is_sample
from tests.answering import SITE, Crawl, answer_of, words
from tests.defaults import make_job, make_scope, make_terms
from tests.hostile.endless import HONEST, IN_FLIGHT, LEFT_BY, TRAPS, Result, Site, crawl
from tests.hostile.finite import FINITE
from tests.parse.test_page import document

LONG = "<div>" + words("long", 1200) + "</div>"
"""What makes the text of each page long."""


def lengthened(site: Site) -> Site:
    def longer(url: Url) -> str | None:
        body = site(url)
        return body if body is None or body.startswith("<?xml") else body + LONG

    return longer


async def crawl_long(site: Site, seed: str, **given: object) -> Result:
    return await crawl(lengthened(site), seed, **given)  # type: ignore[arg-type]


def read(page: Page, number: int) -> Outcome:
    request = Request(Url(f"{SITE}/item/{number}"), 2, Url(f"{SITE}/"), Url(f"{SITE}/"), Url(f"{SITE}/"))
    return Outcome(Lease(request, number), Disposition.FETCHED, page=page)


# -- which pages are brief -------------------------------------------------------------------------------------------


def test_a_brief_page_has_all_but_what_it_is_compared_by() -> None:
    job = make_job(b"k", b"test-brief", make_scope())
    body = f"<title>Ships</title><p>{LONG} 48151 <a href=/x>x</a><img src=/i.png>".encode()
    whole = parse(document(body), job)
    brief = parse(replace(document(body), may_be_brief=True), replace(job, run=b"test-brief-2"))
    assert whole.gist
    assert whole.simhash
    assert brief == replace(whole, simhash=0, gist=0, numbers=0, media=b"", is_brief=True)
    asked = parse(replace(document(body), may_be_brief=True), replace(job, run=b"test-brief-3", wants_simhash=True))
    assert asked == replace(brief, simhash=whole.simhash)


def test_a_page_of_a_short_text_is_never_brief() -> None:
    job = make_job(b"k", b"test-brief", make_scope())
    body = f"<p>{'x' * (LONG_TEXT - 10)}".encode()
    assert not parse(replace(document(body), may_be_brief=True), job).is_brief


def test_a_pattern_is_well_known_once_many_of_its_pages_were_compared_and_were_news() -> None:
    novelty = Novelty("park")
    for number in range(MANY):
        assert not novelty.knows_well(f"{SITE}/item/{number}")
        novelty.fold(read(Page(b"%032d" % number, length=9, kind="html", gist=number), number))
    assert novelty.knows_well(f"{SITE}/item/{MANY}")
    assert not novelty.knows_well(f"{SITE}/other/{MANY}")
    novelty.fold(read(Page(b"x" * 32, length=9, kind="html", gist=3), MANY))
    assert not novelty.knows_well(f"{SITE}/item/9"), "a page was no news"
    assert not Novelty("park", novelty.take_changed()).knows_well(f"{SITE}/item/9"), "another run has compared none"


def test_one_url_in_eight_is_a_sample_and_always_the_same() -> None:
    where = [Url(f"{SITE}/item/{number}") for number in range(8000)]
    samples = [url for url in where if is_sample(url, b"key of a crawl")]
    assert abs(len(samples) - len(where) / COMPARED_ONE_IN) < 100
    assert samples == [url for url in where if is_sample(url, b"key of a crawl")]
    assert samples != [url for url in where if is_sample(url, b"another key")]


# -- traps -----------------------------------------------------------------------------------------------------------


def turns_endless(url: Url, *, after: int) -> str | None:
    """Items with their own text, and then the same text for ever."""
    number = int(url.path.rpartition("/")[2] or 0)
    return f"<p>{words(min(number, after))}<a href=/item/{number + 1}>next</a>" if number >= 0 else None


@pytest.mark.parametrize("after", [100, 300])
async def test_a_trap_that_begins_late_in_a_good_pattern_is_left_a_little_later(after: int) -> None:
    result = await crawl_long(partial(turns_endless, after=after), "http://late.test/item/0")
    assert [trap.pattern for trap in result.traps] == ["http://late.test/item/#"]
    assert result.read <= after + MANY + 4 * COMPARED_ONE_IN + IN_FLIGHT
    assert bool(result.briefly) == (after > MANY)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TRAPS if name != "a search by ever more filters"])
async def test_traps_of_long_pages_are_left(name: str) -> None:
    site, seed, reach = TRAPS[name]
    result = await crawl_long(site, seed, reach=reach, most=LEFT_BY)
    assert result.traps
    assert result.read < LEFT_BY


@pytest.mark.slow
@pytest.mark.parametrize("name", FINITE)
async def test_long_pages_that_hardly_differ_are_read_to_the_end(name: str) -> None:
    result = await crawl_long(partial(FINITE[name], items=300), "http://honest.example/")
    assert (result.traps, result.barred) == ((), 0)
    assert result.read >= 300


async def test_a_large_site_of_long_pages_is_read_to_its_end_and_most_of_it_briefly() -> None:
    site = partial(HONEST["a shop, items differ in some words"], items=700)
    result = await crawl_long(site, "http://honest.example/")
    assert (result.traps, result.barred) == ((), 0)
    assert result.read >= 700
    assert result.briefly > 300


async def test_a_store_in_memory_knows_patterns_as_well() -> None:
    async with open_memory(make_terms(traps="off")) as frontier:
        assert frontier.knows_well(Url("http://h/")), "where no traps are looked for, nothing is compared for them"


# -- outages ---------------------------------------------------------------------------------------------------------


def test_answers_are_well_known_by_their_kind() -> None:
    answers = Answers()
    for number in range(20):
        for path in ("/", f"/item/{number}", f"/same/{number}"):
            frame = 1 if path.startswith("/same") else number + 1
            whole = answer_of(number, path, words(f"{path} {number}"), number, number + 0.1)
            answers.judge(whole._replace(row=hash(path) & 0xFFFF, frame=frame))
    assert len(answers) == 3
    assert answers.knows_well(Url(f"{SITE}/item/99"))
    assert not answers.knows_well(Url(f"{SITE}/same/99")), "the last two had the same title and as many links"
    assert not answers.knows_well(Url(f"{SITE}/new/99"))
    answers.judge(answer_of(99, "/item/99", words("item 99"), 99, 100))
    assert len(answers) == 3


DOWN = "Maintenance. We will be back soon. " + words("frame", 900)
PATHS = [f"/item/{n}" for n in range(400)]


def brief_answer(answers: Answers, known: list[str]) -> Callable[..., Answer]:
    """Makes answers as the visitor does: brief where pages like it are well known, but for samples."""

    def make(row: int, path: str, text: str, began: float, ended: float, *, is_last: bool = False) -> Answer:
        whole = answer_of(row, path, text, began, ended, is_last=is_last)
        frame = hash(text.partition(" ")[0] + (path if text.startswith("Item") else ""))
        whole = whole._replace(frame=frame & ((1 << 64) - 1))
        if is_sample(whole.url, b"k") or not answers.knows_well(whole.url):
            return whole
        known.append(path)
        return whole._replace(gist=whole.content, simhash=0, figures=0)

    return make


@pytest.mark.parametrize("per_site", [1, 4])
def test_an_outage_with_long_pages_costs_no_page(per_site: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def site(path: str, now: float) -> str:
        return f"{DOWN} {now:.3f}" if 60 <= now < 180 else f"Item {path} {words(path, 1200)}"

    told = Crawl(site, per_site=per_site)
    known: list[str] = []
    monkeypatch.setattr("tests.answering.answer_of", brief_answer(told.answers, known))
    outcome = told.run(PATHS)
    assert known, "some pages were brief"
    assert outcome.content == {path: site(path, 0) for path in PATHS}
    assert not outcome.failed
