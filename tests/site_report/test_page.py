"""The page of a report shows hostile text as text, loads nothing, works without its script, and saves its tables."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from crawler import Config, Folder, Problem, read_folder, write_site_report
from crawler.folder.folder import open_folder
from crawler.runtime.escaping import json_line
from crawler.sinks.record import FIELDS
from tests.daemon.browser import in_browser, open_browser

HOME = "https://site.test/"
EVIL = "</script></style></title><img src=x onerror=alert(1)><script>alert(2)</script>\"'&lt;\u202e"
STAGES = ("queue", "dns", "connect", "ttfb", "download", "parse")


def page(number: int, **other: Any) -> dict[str, Any]:
    """Returns the record of a page that links to /gone."""
    facts = {"links": [[f"{HOME}gone", "anchors", f"the text {number}"]], "h1": ["One"]}
    return {
        "v": 1, "url": f"{HOME}{number}", "status": 200, "disposition": "fetched", "depth": number % 4, "visit": 1,
        "fetched_at": f"2026-01-01T00:00:{number:02}.000Z", "timings": dict.fromkeys(STAGES, 20.0), "length": 1000,
        "content_type": "text/html", "title": f"Title {number}", "description": "x", "audit": facts, **other,
    }  # fmt: skip


GONE = page(59, url=f"{HOME}gone", status=404, disposition="failed", reason="status-4xx", detail="HTTP 404", audit=None)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Folder]:
    """`folder(records)` returns a crawl folder with them."""

    def make(*records: dict[str, Any]) -> Folder:
        path = tmp_path / "a.crawl"
        if not path.exists():
            with open_folder(path, Config()):
                pass
        (path / "pages.jsonl").write_bytes(b"".join(json_line({**dict.fromkeys(FIELDS), **one}) for one in records))
        return read_folder(path, Config())

    return make


def written(folder: Folder, name: str = "report.html", **options: Any) -> Path:
    path = folder.path.parent / name
    write_site_report(folder, path, path.suffix[1:], **options)
    return path


def test_json_and_table_hold_all_findings_with_all_their_pages(folder: Any) -> None:
    crawled = folder(*(page(n) for n in range(20)), GONE)
    told = json.loads(written(crawled, "all.json").read_bytes())
    [broken] = [one for one in told["findings"] if one["code"] == "broken-link"]
    assert (told["v"], told["crawl"], broken["n_pages"], len(broken["pages"])) == (1, "a.crawl", 20, 20)
    rows = list(csv.DictReader(io.StringIO(written(crawled, "all.csv").read_text())))
    assert list(rows[0]) == ["code", "severity", "url", "detail", "page", "text", "advice"]
    texts = {row["text"] for row in rows if (row["url"], row["detail"]) == (f"{HOME}gone", "HTTP 404")}
    assert texts == {f"the text {n}" for n in range(20)}


def test_no_cell_of_the_table_is_a_formula(folder: Any) -> None:
    facts = {"links": [[f"{HOME}gone", "anchors", "=cmd|' /C calc'!A0"]]}
    rows = csv.reader(io.StringIO(written(folder(page(1, audit=facts), GONE), "all.csv").read_text()))
    cells = [cell for row in rows for cell in row]
    assert "'=cmd|' /C calc'!A0" in cells
    assert not [cell for cell in cells if cell.startswith("=")]


def test_a_page_is_bounded_and_says_how_much_it_leaves_out(folder: Any) -> None:
    long = {"links": [[f"{HOME}{n}/{'x' * 1900}", "anchors", "t"] for n in range(40)]}
    failed = [{**GONE, "url": url} for url, *_ in long["links"]]
    path = written(folder(*(page(n, title=None) for n in range(300)), page(1000, audit=long), *failed))
    html = path.read_text()
    assert "The first 100 of 301" in html
    assert len(html) < 1_000_000


def test_pages_are_ranked_by_the_links_among_them(folder: Any) -> None:
    def links(*names: object) -> dict[str, Any]:
        return {"links": [[f"{HOME}{name}", "anchors", ""] for name in names]}

    hub = page(0, audit=links(0, 1, 2, 2, "elsewhere"))
    pages = [page(1, audit=links(0)), page(2, audit=links(0)), page(3, audit={"links": [[f"{HOME}3i", "images", ""]]})]
    html = written(folder(hub, *pages, page(2, visit=2, audit=links(0, 1)), GONE)).read_text()
    rows = re.findall(r"<tr>(.*?)</tr>", html[html.index("Pages by PageRank") :].partition("</table>")[0])
    cells = [re.findall(r"<td[^>]*>(?:<a[^>]*>)?(.*?)(?:</a>)?</td>", row) for row in rows[1:]]
    assert [(row[0].removeprefix(HOME), row[2], row[3]) for row in cells] == [
        ("0", "2", "0"), ("1", "2", "1"), ("2", "1", "2"), ("3", "0", "3"),
    ]  # fmt: skip
    shares = [float(row[1].removesuffix(" %")) for row in cells]
    assert sum(shares) == pytest.approx(100, abs=0.05)
    assert shares == sorted(shares, reverse=True)


def test_a_report_without_links_ranks_nothing(folder: Any) -> None:
    assert "PageRank" not in written(folder(page(1, audit={}), page(2, audit={"links": [7, [], [[]]]}))).read_text()


def test_hostile_text_is_escaped_wherever_it_stands(folder: Any) -> None:
    facts = {"links": [[f"{HOME}gone", EVIL, EVIL]], "no_alt": [EVIL], "mixed": [[EVIL, EVIL]]}
    hostile = page(1, title=EVIL, content_type=f"text/html;{EVIL}", audit=facts, reason=EVIL, language=EVIL)
    failed = {**GONE, "detail": EVIL, "content_type": EVIL}

    def check(record: Any) -> list[Problem]:
        return [Problem("mine", EVIL, "error", EVIL)]

    html = written(folder(hostile, page(2, title=EVIL), failed), checks=[check]).read_text()
    assert "<img" not in html
    assert html.count("<script") == html.count("</script>") == 2
    assert "\u202e" not in html


def test_what_is_no_web_address_is_no_link(folder: Any) -> None:
    html = written(folder(page(1, audit={"mixed": [["a", "javascript:alert(1)"]]}))).read_text()
    assert "<td>javascript:alert(1)</td>" in html
    assert 'href="javascript:' not in html


@pytest.fixture
def report(folder: Any) -> Path:
    facts = {"links": [[f"{HOME}gone", "anchors", EVIL]], "no_alt": [f"{HOME}i.png"]}
    home = page(31, url=HOME, title=EVIL, audit=facts)
    return written(folder(*(page(n) for n in range(30)), home, {**GONE, "detail": EVIL}))


async def _open(shown: Page, path: Path) -> list[str]:
    """Opens a file, and returns what the browser says and asks for meanwhile."""
    said: list[str] = []
    shown.on("console", lambda one: said.append(one.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("dialog", lambda dialog: said.append(dialog.message))
    shown.on("request", lambda request: said.append(request.url) if not request.url.startswith("data:") else None)
    await shown.goto(path.as_uri())
    return said


class TestInABrowser:
    pytestmark = in_browser

    async def test_a_hostile_page_changes_nothing_and_loads_nothing(self, report: Path) -> None:
        async with open_browser() as (_, shown):
            said = await _open(shown, report)
            await expect(shown.locator("#drawn canvas").last).to_be_visible()
            assert said == [report.as_uri()], "nothing but the file was asked for, and nothing was refused"
            assert await shown.locator("img").count() == 0
            await expect(shown.locator("#broken-link q").first).to_contain_text("<img src=x onerror=alert(1)>")

    async def test_it_is_complete_without_its_script(self, report: Path) -> None:
        async with open_browser(java_script_enabled=False) as (_, shown):
            await _open(shown, report)
            await expect(shown.locator("#broken-link td").first).to_have_text(f"{HOME}gone")
            await expect(shown.locator("#broken-link li")).to_have_count(9)
            await expect(shown.locator("#broken-link").get_by_text("and 23 more pages")).to_be_visible()
            await shown.get_by_text("Images without an alternative text").click()
            await expect(shown.locator("#image-without-alt td").first).to_be_visible()
            await expect(shown.get_by_text("Charts need scripts")).to_be_visible()

    async def test_a_table_is_saved_with_a_row_for_each_page(self, report: Path) -> None:
        async with open_browser() as (_, shown):
            await _open(shown, report)
            async with shown.expect_download() as coming:
                await shown.locator("#broken-link button").click()
            download = await coming.value
            rows = (await download.path()).read_text().splitlines()
            assert download.suggested_filename == "broken-link.csv"
            assert rows[0] == "Address,What,Text,Page"
            assert len(rows) == 9
            assert rows[2].endswith(f",the text 0,{HOME}0")

    async def test_on_paper_all_findings_are_open_and_light(self, report: Path) -> None:
        async with open_browser(color_scheme="dark") as (_, shown):
            await _open(shown, report)
            await expect(shown.locator("#drawn canvas").last).to_be_visible()
            await shown.evaluate("dispatchEvent(new Event('beforeprint'))")
            await expect(shown.locator("#missing-language td").first).to_be_visible()
            assert await shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(245, 248, 247)"
            await shown.evaluate("dispatchEvent(new Event('afterprint'))")
            await expect(shown.locator("#missing-language td").first).to_be_hidden()

    @pytest.mark.parametrize("width", [1180, 390])
    async def test_no_text_reaches_beyond_the_screen(self, report: Path, width: int) -> None:
        async with open_browser(viewport={"width": width, "height": 800}) as (_, shown):
            await _open(shown, report)
            await expect(shown.locator("#drawn canvas").last).to_be_visible()
            assert await shown.evaluate("document.documentElement.scrollWidth") <= width


def test_the_policy_allows_its_own_style_and_script_alone(report: Path) -> None:
    html = report.read_text()
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
