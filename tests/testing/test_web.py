"""The truth about a described web: what is reachable, what each URL is, and how links are read."""

import pytest

from crawler.testing import (
    Expected,
    Site,
    Web,
    disallowing,
    error,
    html,
    redirect,
    redirect_chain,
    redirect_loop,
    traps,
)
from crawler.testing.robots import broken
from crawler.testing.web import resolve

A, B = "http://a.test", "http://b.test"


@pytest.mark.parametrize(
    ("base", "href", "url"),
    [
        (f"{A}/x/y", "z", f"{A}/x/z"),
        (f"{A}/x/y", "../z?q=1#f", f"{A}/z?q=1"),
        (f"{A}/x/y", "//b.test", f"{B}/"),
        (f"{A}/x/y", "http://B.test:80/./p/../q/", f"{B}/q/"),
        (f"{A}/x/y", "?page=2", f"{A}/x/y?page=2"),
        (f"{A}/x/y", "#top", f"{A}/x/y"),
        (f"{A}/x/y", "..", f"{A}/"),
        (f"{A}/x/y", "/a/b/..", f"{A}/a/"),
        (f"{A}/", "../../up", f"{A}/up"),
        (f"{A}/", "mailto:me@a.test", ""),
        (f"{A}/", "javascript:void(0)", ""),
    ],
)
def test_links_resolve_as_browsers_resolve_them(base: str, href: str, url: str) -> None:
    assert resolve(base, href) == url


def test_what_is_reachable_follows_links_and_redirects_and_counts_dead_ends() -> None:
    pages = {
        "/": html("A", ["/old", "/dead", "mailto:x@y.z"]),
        "/old": redirect("/new"),
        "/new": html("New"),
        "/x": html("X"),
    }
    assert Web([Site("a.test", pages)]).reachable() == {f"{A}/", f"{A}/old", f"{A}/new", f"{A}/dead"}


def test_hosts_and_robots_bound_what_is_reachable() -> None:
    sites = [
        Site(
            "a.test", {"/": html("A", ["//b.test/", "/private/p", "http://elsewhere.test/"]), "/private/p": html("P")}
        ),
        Site("b.test", {"/": html("B")}),
    ]
    closed = [Site("a.test", sites[0].pages, disallowing("/private/")), sites[1]]
    assert Web(sites).reachable() == {f"{A}/", f"{B}/", f"{A}/private/p"}
    assert Web(sites).reachable(follow_hosts=["a.test"]) == {f"{A}/", f"{A}/private/p"}
    assert Web(closed).reachable() == {f"{A}/", f"{B}/"}
    assert Web(closed).reachable(obey_robots=False) == {f"{A}/", f"{B}/", f"{A}/private/p"}
    assert Web([Site("a.test", sites[0].pages, broken())]).reachable() == set()


def test_depth_counts_links_and_not_redirects() -> None:
    pages = {"/": html("0", ["/1", "/r1"]), "/1": html("1", ["/2"]), "/2": html("2", ["/3"]), "/3": html("3")}
    web = Web([Site("a.test", pages | redirect_chain("/r", 2, "/2"))])
    assert web.reachable(max_depth=0) == {f"{A}/"}
    assert web.reachable(max_depth=1) == {f"{A}/", f"{A}/1", f"{A}/r1", f"{A}/r2", f"{A}/2"}


def test_a_question_that_walks_into_a_trap_says_so() -> None:
    web = Web([Site("a.test", {"/": html("A", ["/calendar/2026-11"])}, traps={"/calendar/": traps.calendar()})])
    with pytest.raises(ValueError, match=r"more than 100 URLs in reach.*a trap"):
        web.reachable(limit=100)
    assert len(web.reachable(max_depth=3)) == 1 + 5


def test_the_truth_names_every_pages_end() -> None:
    twin = html("Twin")
    pages = {"/": html("A"), "/t1": twin, "/t2": twin, "/e": error(500), "/p/x": html("P")} | redirect_loop("/l", 2)
    assert Web([Site("a.test", pages, disallowing("/p/"))]).truth() == {
        f"{A}/": Expected(200, "A", "fetched"),
        f"{A}/t1": Expected(200, "Twin", "fetched"),
        f"{A}/t2": Expected(200, "Twin", "duplicate", same_as=f"{A}/t1"),
        f"{A}/e": Expected(500, None, "failed"),
        f"{A}/p/x": Expected(None, None, "excluded"),
        f"{A}/l1": Expected(302, None, "redirected"),
        f"{A}/l2": Expected(302, None, "redirected"),
    }


def test_a_query_nobody_described_gets_the_page_of_its_path() -> None:
    site = Site("a.test", {"/s": html("Plain"), "/s?x=1": html("Queried")})
    assert [site.page(target).title for target in ("/s", "/s?x=1", "/s?x=2")] == ["Plain", "Queried", "Plain"]


def test_placing_changes_the_host_of_absolute_links_alone() -> None:
    web = Web([Site("a.test")]).at({"a.test": "127.0.1.1:80"})
    placed = {
        href: web.place(href) for href in ("http://a.test", "//a.test/x", "/a.test/", "http://c.test/", "x//a.test")
    }
    assert list(placed.values()) == [
        "http://127.0.1.1:80",
        "//127.0.1.1:80/x",
        "/a.test/",
        "http://c.test/",
        "x//a.test",
    ]


def test_a_base_element_moves_relative_links() -> None:
    web = Web([Site("a.test", {"/deep/page": html("A", ["x", "/y"], base="http://b.test/b/")}), Site("b.test")])
    assert web.links(f"{A}/deep/page") == [f"{B}/b/x", f"{B}/y"]
