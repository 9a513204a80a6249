"""Pages made by scripts are rendered, every request of theirs made by the crawl's own fetcher."""

from __future__ import annotations

from typing import Any

import pytest

import crawler
from crawler import Disposition, Outcome, Reason
from crawler.testing import Served, Site, Web, disallowing, html, link_graph, open_web, plain, written

from .webs import QUICK, SHELL, made_by_scripts, needs_chromium, page_of, script

pytestmark = [needs_chromium, pytest.mark.slow]


async def rendered(web: Web, **settings: Any) -> tuple[dict[str, Outcome], Served]:
    """The outcomes of a crawl with rendering, by their paths."""
    render = {"mode": "auto", "page_timeout_s": 10.0} | settings.pop("render", {})
    async with (
        open_web(web) as served,
        crawler.stream(served.seeds, **(QUICK | {"reach": "any", "render": render} | settings)) as outcomes,
    ):
        return {outcome.url.path: outcome async for outcome in outcomes}, served


async def test_pages_made_by_scripts_bring_what_their_readers_see() -> None:
    web = made_by_scripts(link_graph(seed=3, sites=1, pages_per_site=8, links_per_page=4))
    found, served = await rendered(web)
    assert {outcome.url.text for outcome in found.values()} == served.web.reachable()
    for outcome in found.values():
        assert outcome.page
        assert outcome.response
        assert outcome.response.rendered
        expected = served.web.expected(outcome.url.text)
        assert (outcome.page.title, outcome.disposition) == (expected.title, expected.disposition)
        assert outcome.response.rendered.why == "empty-mount"
        assert outcome.response.body == SHELL.encode(), "the answer stays as it came"
    counts = served.counts(robots=False)
    assert set(counts.values()) == {1}, "the script is fetched once, and no page twice"


async def test_robots_txt_holds_for_every_request_of_a_page() -> None:
    ask = "fetch('/' + name).then(r => document.title += name, e => document.title += '!')"
    body = f"<div id=root></div><script>for (const name of ['open.json', 'private/x.json']) {ask}</script>"
    files = {"open.json": plain("1"), "private/x.json": plain("2")}
    web = page_of(body, files)
    web = Web([Site("a.test", web.sites[0].pages, robots=disallowing("/private/"))])
    found, served = await rendered(web, render={"mode": "always"})
    assert found["/"].page
    assert sorted(found["/"].page.title) == sorted("topen.json!")
    assert not any("private" in target for target in served.counts())


async def test_a_page_reads_no_other_site_that_does_not_let_it() -> None:
    show = "t => document.title = t, e => document.title = 'kept out'"
    text = f"<title>t</title><script>fetch('http://b.test/').then(r => r.text()).then({show})</script>"
    home = written(text, links=["http://b.test/"])
    web = Web([Site("a.test", {"/": home}), Site("b.test", {"/": plain("secret")})])
    found, served = await rendered(web, render={"mode": "always"}, max_depth=0)
    assert found["/"].page
    assert found["/"].page.title == "kept out"
    assert served.counts(robots=False)[served.url("b.test", "/")] == 1, "it was asked, and told the script nothing"


async def test_where_a_script_goes_on_to_is_a_link() -> None:
    web = Web(
        [
            Site(
                "a.test",
                {"/": written("<title>t</title><script>location.href = '/next'</script>"), "/next": html("Next")},
            )
        ]
    )
    found, _ = await rendered(web, render={"mode": "always"})
    assert set(found) == {"/", "/next"}
    assert found["/"].disposition is Disposition.FETCHED
    assert found["/next"].request.via == found["/"].url


async def test_shadow_roots_are_read_and_words_for_readers_without_scripts_are_not() -> None:
    body = """<noscript>Please enable JavaScript. <a href="/without">x</a></noscript><x-card></x-card><script>
    customElements.define('x-card', class extends HTMLElement { connectedCallback() {
      this.attachShadow({mode: 'open'}).innerHTML = '<a href="/inside">in the shadow</a>'; } })</script>"""
    found, _ = await rendered(page_of(body, {"inside": html("Inside")}), render={"mode": "always"})
    assert set(found) == {"/", "/inside"}


async def test_a_page_that_a_server_made_is_not_rendered() -> None:
    text = " ".join(["word"] * 200)
    body = f"<p>{text}</p><script src=/x.js></script>"
    found, served = await rendered(page_of(body, {"x.js": script("document.title = 'rendered'")}))
    assert found["/"].page
    assert found["/"].page.title == "t"
    assert found["/"].response
    assert found["/"].response.rendered is None
    assert "/x.js" not in str(served.counts())


async def test_a_page_that_cannot_be_rendered_is_recorded_as_it_came_and_says_so() -> None:
    body = "<a href=/a>a</a><script>for (;;) alert(1)</script>"
    found, _ = await rendered(page_of(body, {"a": html("A")}), render={"mode": "always", "page_timeout_s": 0.5})
    assert (found["/"].disposition, found["/"].reason) == (Disposition.FETCHED, Reason.RENDER)
    assert "not rendered: its scripts did not end" in found["/"].detail
    assert found["/a"].page, "its links are followed all the same"
    assert found["/a"].page.title == "A"
