"""A fake web on loopback, for testing crawls: real HTTP over many hosts, with robots.txt, failures and traps.

Describe a web (or generate one), serve it in your event loop, and crawl it with any crawler. Then compare its findings
with `web.truth()`, its requests with `web.reachable()`, and its behaviour with the server's log::

    from crawler.testing import Site, Web, disallowing, html, open_web, redirect

    alpha = {"/": html("Alpha", ["/old", "//beta.test/"]), "/old": redirect("/new"), "/new": html("New")}
    beta = {"/": html("Beta", ["private/x"]), "/private/x": html("Not for robots")}
    web = Web([Site("alpha.test", alpha), Site("beta.test", beta, disallowing("/private/"))])

    async def test_the_crawl_asks_for_everything_once():
        async with open_web(web) as served:  # every site has its own address
            await my_crawl(served.seeds)  # ["http://127.0.1.1:PORT/"]
            assert set(served.counts(robots=False)) == served.web.reachable()
            assert set(served.counts().values()) == {1}
            assert served.worst_concurrency("alpha.test") == 1
            assert min(served.gaps("alpha.test")) >= 0.1  # seconds between arrivals, as the server saw them

**The description.** `Web(sites, seeds)`, `Site(host, pages, robots, traps)`. Links in pages use the sites' *names*
(`//beta.test/`); when served, names become addresses (`served.url("beta.test", "/x")` is the real URL, `served.web`
uses real URLs). A client that accepts a resolver map may use the names themselves: `open_web(web,
by_name=True)`, with `served.addresses` mapping name -> address.

**Pages.** `html` `written` `plain` `error` `redirect` `redirect_chain` `redirect_loop` `sitemap` `sitemap_index` `big`
`endless` `reset` `hung_up` `silent` `garbage` `charset_page` `charset_pages`, or your own `Page(lambda asked:
Answer(...))`. Wrappers change how a page behaves: `slow` `dripping` `failing` `truncated` `chunked` `badly_chunked`
`unframed` `compressed` `cacheable`, and `bomb` unpacks without end. They combine: `failing(slow(html("Tired"), 0.2),
times=2, by=error(503, retry_after_s=1))`.

**robots.txt.** `robots.missing()` (the default) `allow_all` `disallowing` `delaying` `stating` `broken` `recovering`
`slow` `huge` `moved` `worded`, all in `crawler.testing.robots`.

**Generated webs.** `link_graph(seed, sites, pages_per_site, links_per_page)` and `demo_web()`; endless places are in
`crawler.testing.traps`.

**The server's log.** `served.hits` (a `Hit` has url, headers, began, ended, concurrency, ...), `counts()`,
`of(host)`, `worst_concurrency(host)`, `peak()`, `gaps(host)`, `pauses(host)`, `strays`.

**In pytest.** Fixtures, which a project gets with crawld: `fake_web`, `crawl_folder`, `virtual_clock`, `crash_at` and
`assert_polite` (docs/testing.md). Without pytest: `OpenWeb`, `VirtualClock`, `CrashAt` and `assert_polite`, from here.

**In a separate process.** `async with open_web_process("--sites", "4", "--pages", "500") as homes:`, or from a shell
`python -m crawler.testing --demo --print-seeds`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from crawler.runtime.lazy_imports import lazy_getattr

if TYPE_CHECKING:
    from crawler.testing import robots, traps
    from crawler.testing.behaviours import (
        badly_chunked,
        bomb,
        cacheable,
        chunked,
        compressed,
        dripping,
        failing,
        slow,
        truncated,
        unframed,
    )
    from crawler.testing.charsets import SAMPLES, Sample, charset_page, charset_pages
    from crawler.testing.crashing import Crash, CrashAt
    from crawler.testing.demo import demo_web
    from crawler.testing.graph import BENCHMARK_BYTES, link_graph
    from crawler.testing.log import Hit, HitLog
    from crawler.testing.pages import (
        Asked,
        Page,
        big,
        endless,
        error,
        garbage,
        html,
        hung_up,
        missing,
        plain,
        redirect,
        redirect_chain,
        redirect_loop,
        reset,
        silent,
        sitemap,
        sitemap_index,
        written,
    )
    from crawler.testing.polite import assert_polite
    from crawler.testing.process import open_web_process
    from crawler.testing.robots import Robots, Rules, allow_all, delaying, disallowing
    from crawler.testing.server import Served, open_web
    from crawler.testing.virtual_clock import VirtualClock
    from crawler.testing.virtual_loop import VirtualLoop
    from crawler.testing.web import Expected, Site, Web
    from crawler.testing.web_in_thread import OpenWeb
    from crawler.testing.wire import Answer, Ending, Wait

_HOMES = {
    "behaviours": "badly_chunked bomb cacheable chunked compressed dripping failing slow truncated unframed",
    "charsets": "SAMPLES Sample charset_page charset_pages",
    "crashing": "Crash CrashAt",
    "demo": "demo_web",
    "graph": "BENCHMARK_BYTES link_graph",
    "log": "Hit HitLog",
    "pages": "Asked Page big endless error garbage html hung_up missing plain redirect redirect_chain redirect_loop"
    " reset silent sitemap sitemap_index written",
    "polite": "assert_polite",
    "process": "open_web_process",
    "robots": "Robots Rules allow_all delaying disallowing",
    "server": "Served open_web",
    "virtual_clock": "VirtualClock",
    "virtual_loop": "VirtualLoop",
    "web": "Expected Site Web",
    "web_in_thread": "OpenWeb",
    "wire": "Answer Ending Wait",
}
_MODULES = ("robots", "traps")

__all__ = [
    "BENCHMARK_BYTES",
    "SAMPLES",
    "Answer",
    "Asked",
    "Crash",
    "CrashAt",
    "Ending",
    "Expected",
    "Hit",
    "HitLog",
    "OpenWeb",
    "Page",
    "Robots",
    "Rules",
    "Sample",
    "Served",
    "Site",
    "VirtualClock",
    "VirtualLoop",
    "Wait",
    "Web",
    "allow_all",
    "assert_polite",
    "badly_chunked",
    "big",
    "bomb",
    "cacheable",
    "charset_page",
    "charset_pages",
    "chunked",
    "compressed",
    "delaying",
    "demo_web",
    "disallowing",
    "dripping",
    "endless",
    "error",
    "failing",
    "garbage",
    "html",
    "hung_up",
    "link_graph",
    "missing",
    "open_web",
    "open_web_process",
    "plain",
    "redirect",
    "redirect_chain",
    "redirect_loop",
    "reset",
    "robots",
    "silent",
    "sitemap",
    "sitemap_index",
    "slow",
    "traps",
    "truncated",
    "unframed",
    "written",
]

if not TYPE_CHECKING:  # pytest imports this package at each start: it must cost nothing where nobody uses it
    _get = lazy_getattr(__name__, _HOMES)

    def __getattr__(name: str) -> object:
        return import_module(f"{__name__}.{name}") if name in _MODULES else _get(name)
