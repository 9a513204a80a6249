# ruff: noqa: E501 - lines of other languages
"""Steps on a page: it is scrolled, asked for more, its consent wall refused, its other states looked at."""

from __future__ import annotations

from typing import Any

import pytest

from crawler import Outcome
from crawler.testing import Page, html, plain

from .test_rendering import rendered
from .webs import needs_chromium, page_of

pytestmark = [needs_chromium, pytest.mark.slow]

FEED = """<ul id=list></ul><div id=end style="height:1px"></div><script>
let page = 0;
const more = async () => {
  if (page >= 4) return;
  const names = (await (await fetch('/feed?' + page++)).text()).split(' ');
  for (const name of names) list.insertAdjacentHTML('beforeend', `<li style="height:600px"><a href="/${name}">${name}</a>`);
};
"""
BY_SIGHT = (
    FEED + "new IntersectionObserver(async (seen) => { if (seen[0].isIntersecting) { await more(); } }).observe(end);"
)
BY_SCROLLING = (
    FEED
    + """more(); let late = 0; addEventListener('scroll', () => { clearTimeout(late); late = setTimeout(() => {
  if (innerHeight + scrollY >= document.body.scrollHeight - 10) more(); }, 150); });"""
)
BY_BUTTON = (
    FEED
    + """more(); document.body.insertAdjacentHTML('beforeend', '<button>Load more posts…</button><a href="/terms" id=terms>Show more</a>');
document.querySelector('button').onclick = async (event) => { await more(); if (page >= 4) event.target.remove(); };"""
)


ANSWERS = {f"feed?{page}": plain(f"p{page}a p{page}b p{page}c") for page in range(4)}


async def crawl(body: str, files: dict[str, Page], **render: Any) -> tuple[Outcome, set[str]]:
    """Renders one page with these steps; returns its outcome and the paths of the links that it brought."""
    found, _ = await rendered(page_of(body, files), max_depth=1, render={"mode": "always", **render})
    return found["/"], set(found) - {"/"}


NAMES = {f"/p{page}{letter}" for page in range(4) for letter in "abc"}


@pytest.mark.parametrize(
    ("script", "render"),
    [
        (BY_SIGHT, {"scroll": True}), (BY_SCROLLING, {"scroll": True}), (BY_BUTTON, {"load_more": "auto"}),
        (BY_BUTTON, {"load_more": "body > button"}),
    ],
    ids=["sight", "scrolling", "button", "selector"],
)  # fmt: skip
async def test_a_page_that_brings_more_is_read_whole(script: str, render: dict[str, Any]) -> None:
    outcome, links = await crawl(f"{script}</script>", ANSWERS, **render)
    assert links - {"/terms"} == NAMES, outcome.detail
    assert outcome.reason is None


async def test_no_step_is_taken_unasked() -> None:
    _, links = await crawl(f"{BY_BUTTON}</script>", ANSWERS)
    assert links == {"/p0a", "/p0b", "/p0c", "/terms"}


async def test_a_feed_without_end_is_left_and_that_is_said() -> None:
    body = """<div id=list></div><script>let n = 0; setInterval(() => { if (scrollY + innerHeight > document.body.scrollHeight - 50 && n < 10000)
      list.insertAdjacentHTML('beforeend', `<p style="height:900px"><a href="/e${n++}">x</a>`); }, 20)</script>"""
    outcome, links = await crawl(body, {}, scroll=True, most_steps=3)
    assert len(links) > 3
    assert outcome.page
    assert outcome.reason is None
    assert "there was more after 3 steps" in outcome.detail


async def test_links_that_a_list_drops_while_it_is_scrolled_are_found() -> None:
    body = """<div id=list style="height:6000px;position:relative"></div><script>const show = () => { const at = Math.floor(scrollY / 500);
      list.innerHTML = [0, 1].map((i) => `<a href="/row${at + i}" style="position:absolute;top:${(at + i) * 500}px">row</a>`).join(''); };
      addEventListener('scroll', show); show();</script>"""
    _, links = await crawl(body, {}, scroll=True)
    assert {"/row0", "/row2", "/row4", "/row6"} <= links


WALL = """<main id=main></main><div id=wall style="position:fixed;inset:0;background:white"><p>We use cookies. Do you consent?</p>
<button onclick="open_('accepted')">Accept all</button>{refuse}</div><script>
const open_ = (how) => {{ wall.remove(); main.innerHTML = '<h1>' + how + '</h1><a href="/' + how + '">inside</a>'; }};</script>"""
REFUSE = """<button onclick="open_('refused')"> Reject All </button>"""
BY_ID = """<button id="onetrust-reject-all-handler" onclick="open_('refused')">Nope</button>"""


@pytest.mark.parametrize("button", [REFUSE, BY_ID], ids=["words", "maker"])
async def test_a_consent_wall_is_left_by_its_own_button_that_refuses(button: str) -> None:
    _, links = await crawl(WALL.format(refuse=button), {"refused": html("In")}, reject_consent=True)
    assert links == {"/refused"}


async def test_a_wall_without_such_a_button_stays() -> None:
    outcome, links = await crawl(WALL.format(refuse=""), {}, reject_consent=True)
    assert links == set()
    assert outcome.response
    assert outcome.response.rendered
    assert b"Accept all" in outcome.response.rendered.html


async def test_a_button_that_rejects_something_else_is_not_pressed() -> None:
    body = "<p>The offer of Ann</p><button onclick=\"document.title = 'pressed'\">Reject</button>"
    outcome, _ = await crawl(body, {}, reject_consent=True)
    assert outcome.page
    assert outcome.page.title == "t"


STATES = """<nav><a href="#/one">One</a><a href="#/two">Two</a><a href="#part">Part</a><a role=link id=push>Push</a>
<a href="javascript:void(go())">Go</a></nav><h2 id=part>Part</h2><div id=view>home</div><form><a href="#/never">Delete</a></form><script>
const show = () => { const name = location.hash.slice(2); view.innerHTML = name ? `<a href="/${name}-inside">in ${name}</a>` : 'home'; };
addEventListener('hashchange', show);
push.onclick = () => { history.pushState({}, '', '/pushed'); view.innerHTML = '<a href="/pushed-inside">x</a>'; };
addEventListener('popstate', show);
const go = () => { fetch('/change', {method: 'POST'}); location.href = '/gone'; };</script>"""


async def test_links_in_other_states_of_a_page_are_found_and_nothing_is_changed() -> None:
    found, served = await rendered(page_of(STATES), max_depth=1, render={"mode": "always", "state_links": 20})
    assert set(found) == {"/", "/one-inside", "/two-inside", "/pushed", "/pushed-inside", "/gone"}
    outcome = found["/"]
    assert outcome.response
    assert outcome.response.rendered
    assert b">home</div>" in outcome.response.rendered.html, "the page is read as it was"
    assert not [hit for hit in served.hits if "change" in str(hit)], "pressing sends nothing"


async def test_a_step_that_hangs_costs_its_page_the_steps_alone() -> None:
    body = "<a href='/a'>a</a><button onclick='for (;;) {}'>Load more</button>"
    outcome, links = await crawl(body, {"a": html("A")}, load_more="auto", page_timeout_s=2.0)
    assert links == {"/a"}
    assert "its steps were cut off after 2 s" in outcome.detail
