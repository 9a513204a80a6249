"""Which URLs belong to a crawl."""

from __future__ import annotations

import pickle
from itertools import chain, count, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import urls
from crawler.errors import ConfigError
from crawler.model import LeftOut, Reason, Request, Url
from crawler.policy.admitted import Admitted
from crawler.policy.scope import Reach, Scope, is_moved, place, places
from crawler.protocols import Bounds
from tests.cpu_time import check_time
from tests.defaults import make_scope

OUT, DEEP, TRAP = Reason.OUT_OF_SCOPE, Reason.DEPTH_LIMIT, Reason.TRAP
REACHES: tuple[Reach, ...] = ("page", "prefix", "host", "domain", "any")
ROOT = urls.parse("https://www.example.org/docs/guide/index.html?lang=en")


@pytest.mark.parametrize(
    ("text", "reaches"),
    [
        ("https://www.example.org/docs/guide/index.html?lang=en", "page prefix host domain any"),
        ("https://www.example.org/docs/guide/index.html", "prefix host domain any"),
        ("https://www.example.org/docs/guide/deep/er", "prefix host domain any"),
        ("http://www.example.org/docs/guide/", "prefix host domain any"),
        ("https://www.example.org/docs/guide", "host domain any"),
        ("https://www.example.org/docs/guidebook/", "host domain any"),
        ("http://www.example.org/", "host domain any"),
        ("https://www.example.org:8443/", "domain any"),
        ("https://example.org/", "domain any"),
        ("https://other.example.org/docs/guide/", "domain any"),
        ("https://www.example.org.evil.test/docs/guide/", "any"),
        ("https://notexample.org/", "any"),
        ("https://evil.test/www.example.org/", "any"),
        ("https://evil.test/?https://www.example.org/docs/guide/", "any"),
    ],
)
def test_a_link_belongs_to_the_crawl_as_far_as_it_reaches(text: str, reaches: str) -> None:
    for reach in REACHES:
        verdict = make_scope(reach=reach).judge(ROOT, 1)(urls.parse(text).text)
        assert verdict == (None if reach in reaches.split() else OUT), reach


@pytest.mark.parametrize(("root", "folder"), [("http://h/a/b", "http://h/a/"), ("http://h/?x=/y/", "http://h/")])
def test_the_folder_of_a_root_ends_at_the_last_slash_of_its_path(root: str, folder: str) -> None:
    judge = make_scope(reach="prefix").judge(urls.parse(root), 1)
    assert judge(folder + "z") is None


def test_addresses_and_names_without_a_dot_are_domains_of_their_own() -> None:
    judge = make_scope(reach="domain").judge(urls.parse("http://127.0.0.1:8000/"), 1)
    assert judge("http://127.0.0.1:9000/") is None
    assert judge("http://127.0.0.2:8000/") is OUT
    assert make_scope(reach="domain").judge(urls.parse("http://intranet/"), 1)("http://wiki/") is OUT


@pytest.mark.parametrize(
    ("pattern", "matching", "missing"),
    [
        ("/private/*", "http://h/private/x http://other:8000/private/", "http://h/private http://h/a/private/x"),
        ("/", "http://h/", "http://h/a http://h/?x"),
        ("*.pdf", "http://h/a.pdf https://g/b/c.pdf", "http://h/a.pdf?x http://h/apdf"),
        ("*.pdf*", "http://h/a.pdf http://h/a.pdf?x", "http://h/"),
        ("h.test/docs/*", "http://h.test/docs/x https://h.test/docs/", "http://www.h.test/docs/x http://h.test/x"),
        ("h.test", "http://h.test/ https://h.test/a/b?c", "http://h.test:8000/ http://www.h.test/"),
        ("*.h.test/*", "http://www.h.test/ http://a.b.h.test/x", "http://h.test/ http://wwwh.test/"),
        ("https://h.test/*", "https://h.test/x", "http://h.test/x"),
        ("http*://h.test/*", "https://h.test/x http://h.test/", "http://g.test/h.test/"),
        ("/page?.html", "http://h/page1.html http://h/page?.html", "http://h/page.html http://h/page12.html"),
        ("/a[1]*", "http://h/a[1]x", "http://h/a1"),
        ("/größe/*", "http://h/gr%C3%B6%C3%9Fe/x", "http://h/grosse/x"),
        ("re:/[0-9]{4}/", "http://h/x/2024/y", "http://h/x/24/y"),
        ("re:(?i)\\.PDF$", "http://h/a.pdf http://h/a.PDF", "http://h/a.pdf?x"),
        ("re:^https:", "https://h/", "http://h/?https:"),
        ("re:a|b", "http://h/a http://h/b", "http://h/c"),
    ],
)
def test_a_pattern_matches_what_a_person_expects(pattern: str, matching: str, missing: str) -> None:
    including = make_scope("any", include=(pattern,)).judge(ROOT, 1)
    excluding = make_scope("any", exclude=(pattern,)).judge(ROOT, 1)
    for text in matching.split():
        assert (including(text), excluding(text)) == (None, OUT), text
    for text in missing.split():
        assert (including(text), excluding(text)) == (OUT, None), text


def test_exclude_outweighs_include_and_neither_widens_the_reach() -> None:
    judge = make_scope(include=("/a/*",), exclude=("/a/b/*",)).judge(urls.parse("http://h/"), 1)
    assert judge("http://h/a/x") is None
    assert judge("http://h/a/b/x") is OUT
    assert judge("http://h/c") is OUT
    assert judge("http://other/a/x") is OUT


@pytest.mark.parametrize("pattern", ["re:(", "re:[z-a]", "re:(?!a)b", "re:a{99999999999}"])
def test_an_expression_that_cannot_be_read_is_named(pattern: str) -> None:
    with pytest.raises(ConfigError, match=r"scope\.exclude") as error:
        make_scope(exclude=("*.pdf", pattern))
    assert repr(pattern) in str(error.value)


def test_a_glob_of_many_stars_does_not_take_for_ever() -> None:
    judge = make_scope("any", exclude=("*a" * 40 + "b",)).judge(ROOT, 1)
    assert judge("http://h/" + "a" * 2000) is None


@pytest.mark.parametrize(
    ("max_depth", "depth", "verdict"), [(None, 10**6, None), (2, 2, None), (2, 3, DEEP), (0, 1, DEEP)]
)
def test_links_are_followed_to_the_depth_allowed(max_depth: int | None, depth: int, verdict: Reason | None) -> None:
    assert make_scope(max_depth=max_depth).judge(ROOT, depth)("https://www.example.org/") is verdict


def on(page: str, link: str, most: int = 3) -> Reason | None:
    """What becomes of a link that stands on a page of the same host."""
    request = Request(Url(f"http://h{link}"), depth=1, via=Url(f"http://h{page}"), root=Url("http://h/"))
    return make_scope(max_repeats=most).reject(request)


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("/a/a/a", "/a/a/a/a"),
        ("/a/a/a/", "/a/a/a/a/"),
        ("/shop/shop/shop/item.html", "/shop/shop/shop/shop/other.html"),
        ("/x/a/b/a/b/a/b/", "/x/a/b/a/b/a/b/a/b/"),
        ("/a/b/a/b/a/b/a/", "/a/b/a/b/a/b/a/b/"),
        ("/a/b/a/b/a/b/a/", "/a/b/a/b/a/b/a/b?page=2"),
        ("/2024/x/2024/x/2024/x/", "/2024/x/2024/x/2024/x/2024/x/"),
        ("/a//a//a//", "/a//a//a//a//"),
        ("/a/a/a/a/a/b", "/a/a/a/a/a/a/b"),
        ("/a/a/a?p=1", "/a/a/a/a"),
    ],
)
def test_a_link_that_adds_to_what_its_page_repeats_already_is_a_trap(page: str, link: str) -> None:
    assert on(page, link) is TRAP
    assert on("/", link) is None, "another page may name it"
    assert on(page, page) is None


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("/a/a/", "/a/a/a/"),
        ("/", "/a/a/a/a/a/a"),
        ("/a/a/", "/a/a/a/a/a/"),
        ("/0/0/0/", "/0/0/0/0/"),
        ("/00/00/00/00/", "/00/00/00/00/00/a.html"),
        ("/2020/2020/2020/", "/2020/2020/2020/2020/"),
        ("/2024-01/2024-01/2024-01/", "/2024-01/2024-01/2024-01/2024-01/"),
        ("///", "////"),
        ("/a////", "/a/////"),
        ("/en/about/en/contact/en/", "/en/about/en/contact/en/news/en/"),
        ("/img/a/img/b/img/c/", "/img/a/img/b/img/c/img/d/"),
        ("/tag/go/go/go/go", "/tag/go/go/go/gomore"),
        ("/a/a/a/", "/a/a/a/b/"),
        ("/a/a/a/", "/a/a/a/b/a/a/a/"),
        ("/a/a/a/a/x", "/a/a/a/a/y"),
        ("/a/a/a/a/a", "/a/a/a/a"),
        ("/b/a/a/a/", "/a/a/a/a/"),
        ("/x?a/a/a/a", "/x?a/a/a/a/a"),
    ],
)
def test_honest_paths_repeat_themselves_too(page: str, link: str) -> None:
    assert on(page, link) is None


def test_another_host_has_other_paths() -> None:
    request = Request(Url("http://i/a/a/a/a"), depth=1, via=Url("http://h/a/a/a"), root=Url("http://h/"))
    assert make_scope(reach="any").reject(request) is None


def test_how_often_a_group_may_follow_itself_is_a_setting() -> None:
    assert on("/a", "/a/a", most=1) is TRAP
    assert on("/a/a/a/a", "/a/a/a/a/a", most=5) is None
    assert on("/a/a/a/a/a", "/a/a/a/a/a/a", most=5) is TRAP


@pytest.mark.parametrize("path", ["1/" * 500, "a/" * 500, "a/" * 250 + "b/" + "a/" * 249, "a/b/a/c/" * 125])
def test_long_paths_cost_little(path: str) -> None:
    page = Url(f"http://h/{path}")
    sieve = make_scope(max_repeats=1).sieve(Url("http://h/"), 1, page)
    numbers = count()  # so that no cache knows it
    check_time(lambda: [sieve(f"{page}{path[:40]}{next(numbers)}") for _ in range(200)], 0.4)


@given(st.lists(st.sampled_from(["a", "b", "1", ""]), max_size=12), st.lists(st.sampled_from("ab1"), max_size=6))
def test_a_trap_is_what_repeats_a_word_more_often_than_its_page_and_its_page_often_enough(
    own: list[str], more: list[str]
) -> None:
    """By the slow way: every group at every place of the link."""
    link = [*own, *more]
    most, found = 2, False
    for start in range(len(link)):
        for period in range(1, len(link) + 1):
            group = link[start : start + period]
            times = [_times(path[start:], group) for path in (link, own)]
            is_word = any(segment not in ("1", "") for segment in group)
            found |= bool(is_word and len(group) == period and times[0] > times[1] >= most)
    assert (on("/" + "/".join(own), "/" + "/".join(link), most) is TRAP) is found


def _times(path: list[str], group: list[str]) -> int:
    times = 0
    while path[times * len(group) : (times + 1) * len(group)] == group:
        times += 1
    return times


def test_a_root_passes_reach_depth_include_and_the_trap_rule_but_not_exclude() -> None:
    seed = Request(urls.parse("http://h/a/a/a/a/a"), depth=7)
    assert make_scope("page", max_depth=0, include=("/other/*",)).reject(seed) is None
    assert make_scope("any", exclude=("/a/*",)).reject(seed) is OUT


def test_what_a_seed_redirected_to_is_a_root_too() -> None:
    target = urls.parse("http://www.elsewhere.test/")
    seed = urls.parse("http://short.test/x")
    assert make_scope().reject(Request(target, via=seed, seed=seed)) is None
    assert make_scope().reject(Request(target, via=seed, seed=seed, root=seed)) is OUT


def test_any_other_request_is_judged_as_a_link_from_its_root() -> None:
    scope = make_scope(max_depth=3)
    assert scope.reject(Request(urls.parse("https://www.example.org/x"), depth=3, root=ROOT)) is None
    assert scope.reject(Request(urls.parse("https://www.example.org/x"), depth=4, root=ROOT)) is DEEP
    assert scope.reject(Request(urls.parse("https://example.net/"), depth=1, root=ROOT)) is OUT


def test_a_scope_travels_to_a_worker_and_judges_the_same_there() -> None:
    scope = make_scope("any", 5, ("/a/*", "re:(?i)B"), ("*.pdf",), 2)
    away: Scope = pickle.loads(pickle.dumps(scope))
    assert away == scope
    for text in ("http://h/a/x", "http://h/b", "http://h/c", "http://h/a/x.pdf", "http://h/a/z/z/z"):
        assert away.judge(ROOT, 1)(text) is scope.judge(ROOT, 1)(text)
    bounds: Bounds = away
    assert bounds.sieve(ROOT, 1)("http://h/a/x") == 0


paths = st.text("ab/.?*[]%-", max_size=30)


@given(paths, paths)
def test_a_glob_without_wildcards_matches_itself_alone(one: str, other: str) -> None:
    glob = "/" + one.replace("*", "").replace("?", "")
    judge = make_scope("any", exclude=(glob,), max_repeats=100).judge(ROOT, 1)
    assert judge(f"http://h{glob}") is OUT
    assert (judge(f"http://h/{other}") is OUT) == (f"/{other}" == glob)


@given(st.text(max_size=20))
def test_any_glob_can_be_read(glob: str) -> None:
    if not glob.startswith("re:"):
        make_scope(include=(glob,)).judge(ROOT, 1)(Url("http://h/").text)


@pytest.mark.parametrize(
    ("text", "rule", "pattern"),
    [
        ("https://www.example.org/docs/guide/index.html?lang=en", "root", ""),
        ("https://www.example.org/docs/a", "include", "*/docs/*"),
        ("https://www.example.org/blog/", "include", ""),
        ("https://www.example.org/docs/x.pdf", "exclude", "*.pdf"),
        ("https://evil.test/docs/x.pdf", "reach", ""),
        ("https://www.example.org/docs/a/a/a/a/", "include", "*/docs/*"),
    ],
)
def test_a_ruling_names_the_rule_that_decided(text: str, rule: str, pattern: str) -> None:
    scope = make_scope(include=("re:/manual/", "*/docs/*"), exclude=("*.zip", "*.pdf"))
    ruling = scope.explain(Request(urls.parse(text), depth=1, root=ROOT))
    assert (ruling.rule, ruling.pattern) == (rule, pattern)
    deep = make_scope(max_depth=0).explain(Request(urls.parse(text), depth=1, root=ROOT))
    assert deep.rule == ("root" if rule == "root" else "depth")


def test_a_ruling_names_a_trap_where_its_page_is_known() -> None:
    text = "https://www.example.org/docs/a/a/a/"
    request = Request(urls.parse(f"{text}a/"), depth=1, via=Url(text), root=ROOT)
    assert make_scope().explain(request).rule == "trap"


_PLACES = st.sampled_from(["https://a.test/", "https://a.test/x/y", "https://a.test/x/x/x/x/", "https://b.test/x.pdf"])
_PATTERNS = st.lists(st.sampled_from(["*.pdf", "/x/*", "a.test", "re:y"]), max_size=2).map(tuple)


@given(
    st.sampled_from(REACHES), st.sampled_from([None, 0, 2]), _PATTERNS, _PATTERNS, _PLACES, _PLACES, st.integers(0, 3)
)
def test_a_ruling_says_what_the_crawl_does(
    reach: Reach, max_depth: int | None, include: tuple[str, ...], exclude: tuple[str, ...], text: str, root: str,
    depth: int,
) -> None:  # fmt: skip
    scope = make_scope(reach, max_depth, include, exclude)
    request = Request(Url(text), depth=depth, root=Url(root))
    ruling = scope.explain(request)
    assert ruling.reason == scope.reject(request)
    if ruling.rule == "exclude":
        assert ruling.pattern
        assert ruling.reason is OUT


@pytest.mark.parametrize(
    ("seed", "target", "moved"),
    [
        ("http://example.org/", "https://www.example.org:8443/x", False),
        ("http://example.org/", "http://shop.example.org/", False),
        ("http://a.example.co.uk/", "http://b.example.co.uk/", False),
        ("http://shop.lan/", "http://www.shop.lan/", False),
        ("http://127.0.0.1:81/", "http://127.0.0.1:82/", False),
        ("http://localhost/", "http://localhost:8000/", False),
        ("http://127.0.0.1/", "http://127.0.0.2/", True),
        ("http://one.co.uk/", "http://two.co.uk/", True),
        ("http://me.github.io/", "http://you.github.io/", True),
        ("http://example.org/", "http://example.com/", True),
        ("http://wiki/", "http://intranet/", True),
    ],
)
def test_a_seed_has_moved_where_somebody_else_owns_the_name(seed: str, target: str, moved: bool) -> None:
    assert is_moved(urls.parse(target), urls.parse(seed)) is moved
    assert is_moved(urls.parse(seed), urls.parse(target)) is moved


@pytest.mark.parametrize(
    ("reach", "added"),
    [
        ("page", ()),
        ("prefix", ("www.example.org:81", "www.example.org:81/docs/")),
        ("host", ("www.example.org:81",)),
        ("domain", ("example.org",)),
        ("any", ()),
    ],
)
def test_what_a_root_adds_to_the_reach_of_a_crawl(reach: Reach, added: tuple[str, ...]) -> None:
    root, seed = urls.parse("http://www.example.org:81/login?x=/y/"), urls.parse("http://example.org/docs/a?b=/c/")
    assert places(root, reach, seed) == added
    assert place(root.text, reach) == (added[0] if added else "")


@given(st.sampled_from(REACHES), st.lists(_PLACES, min_size=1, max_size=3), _PLACES)
def test_a_table_of_several_roots_admits_what_any_of_them_would(reach: Reach, roots: list[str], text: str) -> None:
    table = Admitted()
    for root in roots:
        table.add(places(Url(root), reach))
    union = make_scope(reach, max_repeats=100, admitted=table)
    alone = [make_scope(reach, max_repeats=100).judge(Url(root), 1)(text) is None for root in roots]
    for root in roots if reach != "page" else ():
        assert (union.judge(Url(root), 1)(text) is None) == any(alone)


@pytest.mark.parametrize("reach", REACHES)
@pytest.mark.parametrize("admits", [False, True])
def test_a_request_is_judged_as_the_link_was_that_led_to_it(reach: Reach, admits: bool) -> None:
    roots = [urls.parse(text) for text in ("https://a.test/docs/", "http://b.test:81/x/y/x/y/z", "https://c.a.test/")]
    admitted = Admitted() if admits else None
    if admitted:
        admitted.add(chain.from_iterable(places(root, reach) for root in roots))
    scope = make_scope(
        reach=reach, max_depth=2, max_repeats=2, include=("*a*", "*x*"), exclude=("*/no/*",), admitted=admitted
    )
    tails = ("", "docs/a", "no/a", "x/y/x/y/x/y/", "x/y/z", "z?q")
    texts = [f"{root.text[: root.text.index('/', 8)]}/{tail}" for root in roots for tail in tails]
    met = set[Reason | None]()
    for root, text, via, depth in product(roots, texts, [*roots, None], (1, 3)):
        request = Request(urls.parse(text), depth, via, root=root)
        expected = scope.sieve(root, depth, via)(text)
        verdict = scope.reject(request)
        met.add(verdict)
        if request.url != root:
            bits = {0: None, LeftOut.REACH: OUT, LeftOut.PATTERNS: OUT, LeftOut.DEPTH: DEEP, LeftOut.REPEATS: TRAP}
            assert verdict is bits[expected], (request, expected)
    assert {None, OUT, DEEP} <= met
