"""`crawl --parse module:function`: a function of the user's own, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

from crawler.testing import Served

from .conftest import ALLOWED, Crawl

SHOP = """
from dataclasses import dataclass

@dataclass
class Item:
    heading: str
    depth: int

def read_item(content):
    if content.url.path == "/2":
        raise ValueError("no price here")
    return Item(content.page.title, content.depth)
"""


def _data(folder: Path) -> dict[str, object]:
    lines = (folder / "pages.jsonl").read_text().splitlines()
    return {record["url"].rpartition("/")[2]: record.get("data") for record in map(json.loads, lines)}


async def test_a_function_of_a_file_in_the_folder_reads_each_page(crawl: Crawl, web: Served, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    ran = await crawl(web.url("a.test"), "-o", "a.crawl", "--parse", "shop:read_item", *ALLOWED)
    assert ran.code == 0, ran.err
    data = _data(tmp_path / "a.crawl")
    assert (data[""], data["1"]) == ({"heading": "A", "depth": 0}, {"heading": "One", "depth": 1})
    assert data["2"] is None
    assert "no price here" in (tmp_path / "a.crawl" / "pages.jsonl").read_text()


async def test_a_folder_alone_chooses_no_code_to_run(crawl: Crawl, web: Served, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    assert (
        await crawl(web.url("a.test"), "-o", "a.crawl", "--parse", "shop:read_item", "--limit", "1", *ALLOWED)
    ).code == 0
    ran = await crawl("a.crawl", "--limit", "5")
    assert ran.code == 2
    assert "give it again with --parse shop:read_item" in ran.err
    assert (await crawl("a.crawl", "--limit", "5", "--parse", "shop:read_item")).code == 0
    assert _data(tmp_path / "a.crawl")["1"] == {"heading": "One", "depth": 1}
    assert (await crawl("a.crawl", "--limit", "9", "--parse", "")).code == 0


async def test_a_name_that_cannot_be_used_is_refused_before_anything_is_made(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "broken.py").write_text("import missing_module")
    for name, said in (
        ("shop:read_itm", "shop has no function 'read_itm'; did you mean read_item?"),
        ("shop", "name a module and a function"),
        ("nothing_of_the_kind:f", "cannot be imported"),
        ("broken:f", "missing_module"),
    ):
        ran = await crawl("http://a.test/", "-o", "a.crawl", "--parse", name)
        assert (ran.code, said in ran.err) == (2, True), ran.err
        assert not (tmp_path / "a.crawl").exists()


async def test_the_first_trace_is_shown_at_the_end(crawl: Crawl, web: Served, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    ran = await crawl(web.url("a.test"), "-o", "a.crawl", "--parse", "shop:read_item", *ALLOWED)
    lines = ran.err.splitlines()
    at = lines.index("  the first error of read_item:")
    assert "Traceback" in lines[at + 1]
    assert any("shop.py" in line and "line 11, in read_item" in line for line in lines[at:])
    assert "    ValueError: no price here" in lines[at:]
    assert lines.count("  the first error of read_item:") == 1


async def test_a_module_that_workers_cannot_import_is_one_line_before_anything_is_fetched(
    crawl: Crawl, web: Served, tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text("import os\nif os.path.exists('began'):\n    raise ImportError('no display')\n"
                                      "open('began', 'w').close()\ndef read(content):\n    return 1\n")  # fmt: skip
    ran = await crawl(web.url("a.test"), "-o", "a.crawl", "--parse", "shop:read", *ALLOWED)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1), ran.err
    assert "cannot be loaded in a worker process (ImportError: no display)" in ran.err
    assert not web.counts()
    assert not (tmp_path / "a.crawl").exists()
