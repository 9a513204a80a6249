"""Generated sites of known size, as the test server serves them."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.generated_webs import Site
from crawler.testing import Page, Web, html, sitemap
from crawler.testing import Site as ServedSite
from crawler.testing.robots import Rules, stating


def serve(sites: Sequence[Site], rules: Rules | None = None) -> Web:
    """Returns the sites as a web whose seeds are their homes; those with a sitemap name it in robots.txt."""
    served = []
    for number, site in enumerate(sites):
        host = f"site{number}.test"
        pages: dict[str, Page] = {
            _path(page): html(f"Page {page} of {number}", [_path(one) for one in links])
            for page, links in enumerate(site.links)
        }
        said = rules or Rules()
        if site.sitemap:
            pages["/sitemap.xml"] = sitemap(f"http://{host}{_path(page)}" for page in site.sitemap)
            said = Rules(said.disallow, said.allow, said.crawl_delay_s, (f"//{host}/sitemap.xml",))
        served.append(ServedSite(host, pages, stating(said)))
    return Web(served, [f"http://{site.host}/" for site in served])


def _path(number: int) -> str:
    return f"/page/{number}" if number else "/"
