"""Content is told from soft outages and blocks by a site's answers to different URLs: many sites, in virtual time."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable

import pytest

from crawler.model import Reason, Request, Url
from crawler.policy.answers import Answers
from crawler.policy.answers.naming import kind_of, widen_kind, wider_names
from tests.answering import SITE, Crawl, Outcome, Site, answer_of, words
from tests.defaults import make_politeness

ITEMS = [f"/item/{n}" for n in range(300)]
DOWN = "Maintenance. We will be back soon."


def item(path: str, now: float) -> str:
    """Each has its own text."""
    return f"Item {path} {words(path)}"


def hexadecimal(bits: int, of: object) -> str:
    return f"{random.Random(str(of)).getrandbits(bits):x}"


SAID: dict[str, Callable[[str, float], str]] = {
    "one page": lambda path, now: DOWN,
    "nothing": lambda path, now: "",
    "a page with the time": lambda path, now: f"{DOWN} It is {now:.3f} now.",
    "a page with a request id": lambda path, now: (
        f"{DOWN} Please try again later. Request {hexadecimal(64, f'{path} {now}')}"
    ),
    "a page that names what was asked for": lambda path, now: f"{DOWN} {path} cannot be shown.",
    "a page of a login": lambda path, now: "Log in. User name, password. Register. Forgot your password?",
    "too many requests": lambda path, now: "Too many requests. Slow down.",
    "a redirect": lambda path, now: "-> /maintenance",
    "a redirect that says where from": lambda path, now: f"-> /login?next={path}",
}


def out_between(begin: float, end: float, said: str = "one page", site: Site = item) -> Site:
    return lambda path, now: SAID[said](path, now) if begin <= now < end else site(path, now)


def is_whole(told: Outcome, paths: list[str] = ITEMS, site: Site = item) -> bool:
    return told.content == {path: site(path, 0) for path in paths} and not told.failed


# -- outages ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("per_site", [1, 4, 16])
@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("length_s", [15, 120, 600])
def test_an_outage_costs_no_page_and_few_requests(said: str, per_site: int, length_s: float) -> None:
    crawl = Crawl(out_between(60, 60 + length_s, said), per_site=per_site)
    told = crawl.run(ITEMS)
    assert is_whole(told)
    assert told.reasons[Reason.SOFT_OUTAGE] <= 9 * per_site
    assert told.asked <= len(ITEMS) + 12 * per_site + 8


@pytest.mark.parametrize("per_site", [1, 4])
def test_a_site_that_comes_back_and_goes_again_costs_no_page(per_site: int) -> None:
    site = out_between(40, 70, site=out_between(130, 160, site=out_between(400, 430)))
    assert is_whole(Crawl(site, per_site=per_site).run(ITEMS))


def test_a_second_outage_with_the_same_page_is_one_from_its_first_answer_on() -> None:
    told = Crawl(out_between(200, 230, site=out_between(40, 70))).run(ITEMS)
    assert is_whole(told)
    assert told.asked == len(ITEMS) + told.reasons[Reason.SOFT_OUTAGE] + 3


def test_all_kinds_of_urls_of_a_site_are_out_together() -> None:
    """Those that were answered while it was not known yet are asked again, too."""
    paths = [f"/{kind}/{n}" for n in range(60) for kind in ("item", "list", "author", "tag")]
    told = Crawl(out_between(100, 130)).run(paths)
    assert is_whole(told, paths)
    assert told.asked == len(paths) + told.reasons[Reason.SOFT_OUTAGE] + (told.asked - len(told.content) - told.reasons[
        Reason.SOFT_OUTAGE
    ])  # fmt: skip
    assert told.asked < len(paths) + 30


def test_names_are_of_one_kind_as_numbers_are() -> None:
    paths = [f"/wiki/{word}{word[::-1]}" for word in ("oslo", "bergen", "moss", "bodo", "alta", "voss", "rana")]
    paths += [f"/wiki/{word}{n}" for n in range(20) for word in ("fjord", "berg")]
    assert is_whole(Crawl(out_between(15, 40)).run(paths), paths)


def test_answers_that_were_under_way_do_not_hide_an_outage() -> None:
    """Slow answers from before it arrive amid those of the outage."""
    slow = {f"/item/{n}": 6.0 for n in range(30, 300, 7)}
    site = out_between(60, 90)
    told = Crawl(
        lambda path, now: site(path, now - (2.9 if path in slow else 0)),
        per_site=6,
        took=lambda path: slow.get(path, 0.2),
    ).run(ITEMS)
    assert is_whole(told)


def test_an_outage_that_outlasts_all_attempts_fails_its_urls_with_what_they_brought() -> None:
    told = Crawl(out_between(60, 1e9)).run(ITEMS, most=5000)
    assert len(told.content) + len(told.failed) == len(ITEMS)
    assert set(told.failed.values()) == {DOWN}
    assert DOWN not in told.content.values()
    assert told.asked < len(ITEMS) + 30  # once it lasts, one request each


def test_the_rests_grow_and_are_bounded() -> None:
    answers, politeness, now, rests = Answers(), make_politeness(), 100.0, []
    for n in range(20):
        answers.judge(answer_of(n, f"/item/{n}", words(n), n, n + 0.5))
    for n in range(20, 35):
        verdict = answers.judge(answer_of(n, f"/item/{n}", DOWN, now, now + 0.5))
        rests.append(politeness.backoff_s(verdict.step) if verdict else 0.0)
        now += 1 + rests[-1]
    assert rests[:9] == [0, 0, 0, 3, 9, 27, 81, 243, 600]
    assert max(rests) == 600


def test_what_was_under_way_together_is_one_step() -> None:
    answers = Answers()
    for n in range(20):
        answers.judge(answer_of(n, f"/item/{n}", words(n), n, n + 0.5))
    verdicts = [answers.judge(answer_of(n, f"/item/{n}", DOWN, 100, 101 + n / 100)) for n in range(20, 36)]
    assert [verdict.step for verdict in verdicts if verdict] == [1] * 13
    assert [len(verdict.repeats) for verdict in verdicts if verdict] == [3] + [0] * 12


@pytest.mark.slow
def test_what_looked_like_an_outage_does_not_hide_a_real_one() -> None:
    """Products of a series are asked for again and believed; the site goes out before it brought much else."""
    series = STRETCHES["products of a series"]
    for begin in range(165, 260, 5):
        assert is_whole(Crawl(out_between(begin, begin + 20, site=series)).run(ITEMS), site=series)


def test_what_is_known_from_before_a_restart_counts() -> None:
    """A crawl that goes on amid an outage has seen nothing else yet; who remembers may say so."""
    told = Crawl(out_between(0, 30), answers=Answers(lambda url: 200)).run(ITEMS)
    assert is_whole(told)
    assert DOWN in Crawl(out_between(0, 30)).run(ITEMS).content.values()


# -- sites that are as they are --------------------------------------------------------------------------------------

FOUND_ON_LISTS = [f"/list/{n}" for n in range(30)] + [f"/thread/{n}" for n in range(200)]


def wall(path: str, now: float) -> str:
    return "Log in to read." if path.startswith("/thread") else item(path, now)


def number_of(path: str) -> int:
    return int(path.rpartition("/")[2])


GENUINE: dict[str, tuple[Site, list[str]]] = {
    "one page for everything": (lambda path, now: "This domain is for sale.", ITEMS),
    "one page that counts": (lambda path, now: f"You are visitor {now:.0f} of this domain.", ITEMS),
    "nothing for everything": (lambda path, now: "", ITEMS),
    "threads behind a login wall": (wall, FOUND_ON_LISTS),
    "threads behind a redirect": (
        lambda path, now: "-> /login" if path.startswith("/thread") else item(path, now),
        FOUND_ON_LISTS,
    ),
    "every item redirects to another place": (lambda path, now: f"-> /new/{number_of(path)}", ITEMS),
    "products that differ in numbers": (
        lambda path, now: f"Screw {path} costs {number_of(path) * 17 % 901} and weighs {number_of(path) % 77}",
        ITEMS,
    ),
    "pages of one template": (lambda path, now: f"{words('frame', 200)} {words(path, 5)}", ITEMS),
    "duplicates in pairs": (lambda path, now: words(number_of(path) // 2), ITEMS),
    "duplicates in threes": (lambda path, now: words(number_of(path) // 3), ITEMS),
    "every third page is sorry": (
        lambda path, now: "Sorry, no such item." if number_of(path) % 3 == 0 else item(path, now),
        ITEMS,
    ),
    "three of four pages are sorry": (
        lambda path, now: "Sorry, no such item." if number_of(path) % 4 else item(path, now),
        ITEMS,
    ),
    "pages that are sorry and name what is missing": (
        lambda path, now: f"Sorry, no {path} here." if number_of(path) % 5 else item(path, now),
        ITEMS,
    ),
    "a few contents in turn": (lambda path, now: words(number_of(path) % 5), ITEMS),
}


@pytest.mark.slow
@pytest.mark.parametrize("per_site", [1, 4])
@pytest.mark.parametrize("name", GENUINE)
def test_a_site_that_always_answers_so_is_as_it_is(name: str, per_site: int) -> None:
    site, paths = GENUINE[name]
    told = Crawl(site, per_site=per_site).run(paths)
    assert (set(told.content), told.failed, told.reasons.total()) == (set(paths), {}, 0)
    assert told.asked <= len(paths) + (2 if "sorry" in name else 0)


STRETCHES: dict[str, Site] = {
    "items missing in a row": lambda path, now: (
        "Sorry, no such item." if 100 <= number_of(path) < 140 else item(path, now)
    ),
    "redirects in a row": lambda path, now: "-> /archive" if 100 <= number_of(path) < 140 else item(path, now),
    "products of a series": lambda path, now: (
        f"Screw, {number_of(path) * 7919 % 10007} cents" if 100 <= number_of(path) < 160 else item(path, now)
    ),
    "many series": lambda path, now: (
        f"{words(number_of(path) // 20, 3)}, {number_of(path) * 7919 % 10007} cents"
        if number_of(path) > 20
        else item(path, now)
    ),
    "empty results now and then": lambda path, now: (
        "Nothing matches." if random.Random(path).random() < 0.5 else item(path, now)
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("per_site", [1, 4])
@pytest.mark.parametrize("name", STRETCHES)
def test_a_stretch_that_is_alike_costs_some_time_and_no_page(name: str, per_site: int) -> None:
    told = Crawl(STRETCHES[name], per_site=per_site).run(ITEMS)
    assert set(told.content) == set(ITEMS)
    assert told.failed == {}
    assert told.asked <= len(ITEMS) * 1.4
    assert told.ended <= len(ITEMS) * 1.2 + 600


def test_who_says_the_same_again_while_others_differ_is_believed() -> None:
    """Items that lead nowhere, found in a row."""
    told = Crawl(STRETCHES["items missing in a row"]).run(ITEMS)
    later = Crawl(STRETCHES["items missing in a row"]).run(ITEMS[:100] + ITEMS[140:] + ITEMS[100:140])
    assert len(told.failed) == 0
    assert len(later.content) + len(later.failed) == len(ITEMS)


# -- blocks ----------------------------------------------------------------------------------------------------------


def blocked(answers: Answers, n: int, now: float, evidence: str = "Cloudflare: challenge") -> int:
    verdict = answers.block(answer_of(n, f"/item/{n}", "Just a moment...", now, now + 0.5), evidence)
    assert verdict
    assert (verdict.reason, verdict.detail) == (Reason.BLOCKED, evidence)
    return verdict.step


def request(path: str, *, is_seed: bool = False) -> Request:
    return Request(Url(SITE + path), root=None if is_seed else Url(f"{SITE}/"))


def test_a_site_that_blocks_rests_longer_each_time_and_is_parked_after_five_in_a_row() -> None:
    answers = Answers()
    assert [blocked(answers, n, 10.0 * n) for n in range(4)] == [1, 2, 3, 4]
    assert answers.bar(request("/item/9")) is None
    blocked(answers, 4, 40)
    bar = answers.bar(request("/item/9"))
    assert bar
    assert (bar.reason, bar.pattern) == (Reason.BLOCKED, f"{SITE}/**")
    assert "Cloudflare" in bar.detail
    assert answers.bar(request("/item/9", is_seed=True)) is None
    for n in range(5, 10):
        blocked(answers, n, 10.0 * n)
    assert answers.bar(request("/item/9", is_seed=True))
    assert answers.bar(Request(Url("http://b.test/"), root=Url("http://b.test/x"))) is None


def test_any_other_answer_ends_a_row_of_blocks() -> None:
    answers = Answers()
    for n in range(9):
        blocked(answers, n, 10.0 * n)
        if n % 4 == 3:
            answers.other(Url(f"{SITE}/item/x"), 10.0 * n + 1)
    assert answers.bar(request("/item/9")) is None
    assert blocked(answers, 9, 90) == 2


def test_words_that_could_be_a_blocks_are_believed_where_all_are_told_so() -> None:
    answers = Answers()
    answer = [answer_of(n, f"/p/{n}", "Access denied", 10.0 * n, 10.0 * n + 1, is_last=n == 9) for n in range(10)]
    assert all(answers.block(one, 'says "access denied"', is_weak=True) for one in answer)


def test_words_that_could_be_a_blocks_are_content_where_pages_of_their_kind_differ() -> None:
    answers = Answers()
    found = [
        answers.block(answer_of(n, f"/captcha/{n}", f"Are you a robot? {words(n)}", n, n + 1), "", is_weak=True)
        for n in range(10)
    ]
    assert [one is None for one in found] == [False] * 2 + [True] * 8


def test_words_that_could_be_a_blocks_are_content_where_they_come_again_amid_others() -> None:
    answers = Answers()

    def ask(n: float, *, is_last: bool) -> object:
        return answers.block(answer_of(1, "/p/1", "Access denied", n, n + 0.5, is_last=is_last), "", is_weak=True)

    assert ask(0, is_last=False)
    answers.judge(answer_of(2, "/p/2", words(2), 1, 2))
    assert ask(3, is_last=False)
    assert ask(5, is_last=True) is None


# -- bounds and kinds ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_remembered_is_bounded() -> None:
    answers = Answers(most=50)
    for n, kind in itertools.product(range(40), range(60)):
        path = f"/{'abcdefgh'[kind % 8]}/{kind}/{'x' * (kind % 20)}y"
        answer = answer_of(n, path, words(n), n, n)
        answers.judge(answer._replace(url=Url(f"http://{n}.test{path}")))
        answers.block(answer._replace(url=Url(f"http://b{n}{kind}.test{path}")), "x")
    assert len(answers) <= 50


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", ""),
        ("/item/17", "item/#"),
        ("/2026/11/29/a-long-title-of-more-than-24", "#/#/#/*"),
        ("/find?q=a&page=2&page=3", "find?page&q"),
        ("/a/b/c/d/e/f/g/h/i/j", "a/b/c/d/e/f/g/h/i/j"),
    ],
)
def test_urls_are_of_a_kind_whose_numbers_and_ids_differ(path: str, kind: str) -> None:
    assert kind_of(Url(SITE + path)) == kind


def test_kinds_that_differ_in_one_word_of_many_become_one() -> None:
    names = [f"user/{name}/posts" for name in "abcdefg"]
    assert widen_kind("user/h/posts", names) == ("user/*/posts", names)
    assert widen_kind("user/h/posts", names[:6]) == ("user/h/posts", [])
    assert widen_kind("user/h/posts", ["user/*/posts", *names[:2]]) == ("user/*/posts", [])
    assert widen_kind("user/#/posts", names) == ("user/#/posts", [])
    assert widen_kind("", ["a", "b", "*"]) == ("", [])


@pytest.mark.parametrize("seed", range(20))
def test_counted_kinds_become_one_where_all_kinds_looked_at_do(seed: int) -> None:
    chosen = random.Random(seed)
    known: list[str] = []
    for _ in range(200):
        kind = "/".join(chosen.choices(["a", "b", "c", "#", "*", "", "d?x", *"efghijkl"], k=chosen.randint(1, 4)))
        near = Counter(wide for name in known for wide in wider_names(name))
        assert widen_kind(kind, known, near) == widen_kind(kind, known)
        wide, members = widen_kind(kind, known)
        known = [*dict.fromkeys([*(name for name in known if name not in members), wide])][-32:]
