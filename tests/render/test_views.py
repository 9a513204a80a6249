"""Pictures and prints of rendered pages are saved by their content, once, and named in the records."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

import crawler
from crawler import Config, ConfigError, SinkConfig
from crawler.testing import Site, Web, open_web, plain, written

from .webs import QUICK, needs_chromium, script

pytestmark = [needs_chromium, pytest.mark.slow]

SINKS = (SinkConfig(), SinkConfig.model_validate({"kind": "files", "types": ("screenshots", "prints", "html")}))
SEEN = "<body style='margin:0'><div style='height:3000px;background:#123456'>seen</div><img src=/p.png>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'><rect width='40' height='40' fill='red'/></svg>"


def shop() -> Web:
    """Two pages that look alike, and the picture in them."""
    page = f"<!doctype html><title>{{}}</title>{SEEN}<a href=/b></a><script src=/x.js></script>"
    pages = {"/": written(page.format("A")), "/b": written(page.format("B")), "/x.js": script("1")}
    return Web([Site("a.test", {**pages, "/p.png": plain(SVG, "image/svg+xml")})])


def size_of(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


async def test_views_of_a_page_are_in_the_folder_and_its_record_names_them(tmp_path: Path) -> None:
    settings: dict[str, Any] = QUICK | {"render": {"mode": "always"}, "sinks": SINKS}
    async with open_web(shop()) as served:
        await crawler.crawl(served.seeds, Config(**settings), folder=tmp_path / "out")
        assert any("p.png" in target for target in served.counts()), "a page that is shown has its pictures"
    records = [orjson.loads(line) for line in (tmp_path / "out/pages.jsonl").read_bytes().splitlines()]
    assert len(records) == 2
    for record in records:
        shown, printed = (tmp_path / "out" / record[view] for view in ("screenshot", "print"))
        assert size_of(shown.read_bytes())[1] >= 3000, "the whole page, not its beginning"
        assert printed.read_bytes().startswith(b"%PDF-")
        assert {shown.stem, printed.stem} == {sha256(path.read_bytes()).hexdigest() for path in (shown, printed)}
        assert record["file"].endswith(".html")
    assert records[0]["screenshot"] == records[1]["screenshot"], "equal pictures are one file"
    listed = [orjson.loads(line) for line in (tmp_path / "out/files/files.jsonl").read_bytes().splitlines()]
    assert sorted(one.get("view", "") for one in listed) == sorted(["", "screenshot", "print"] * 2)


async def test_views_without_rendering_are_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    async with open_web(shop()) as served:
        with pytest.raises(ConfigError, match=r"prints and screenshots are taken of rendered pages: set render\.mode"):
            await crawler.crawl(served.seeds, Config(**(QUICK | {"sinks": SINKS})), folder=tmp_path / "out")
        assert served.hits == []


async def test_a_page_that_is_too_large_for_a_picture_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    page = written("<title>t</title><div style='height:9000000px'>x</div><script src=/x.js></script>")
    web = Web([Site("a.test", {"/": page, "/x.js": script("1")})])
    async with open_web(web) as served:
        settings: dict[str, Any] = QUICK | {"render": {"mode": "always"}, "sinks": SINKS}
        await crawler.crawl(served.seeds, Config(**settings), folder=tmp_path / "out")
    [record] = [orjson.loads(line) for line in (tmp_path / "out/pages.jsonl").read_bytes().splitlines()]
    assert size_of((tmp_path / "out" / record["screenshot"]).read_bytes())[1] == 16_384
    assert record["print"]
