"""A crawl stores no body that an earlier crawl holds, and its records say where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

import crawler
from crawler import export_folder, read_folder
from crawler.errors import ConfigError
from crawler.testing import Site, Web, html, open_web, plain, redirect
from tests.sinks.test_warc import answers, archive
from tests.warc.judges import Seen

PAGES = {
    "/": html("Home", ["/a", "/b", "/moved", "/empty"]),
    "/a": html("A"),
    "/b": html("B"),
    "/moved": redirect("/a"),
    "/empty": plain(b""),
}


def _told(one: Seen) -> tuple[str, str, str]:
    fields = one.fields
    return fields["warc-refers-to-target-uri"], fields["warc-refers-to-date"], fields["warc-payload-digest"]


async def test_bodies_of_an_earlier_crawl_are_referred_to(tmp_path: Path) -> None:
    changed = PAGES | {"/b": html("B, changed"), "/": html("Home", ["/a", "/b", "/c", "/moved", "/empty"])}
    moved = changed | {"/c": html("A")}
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        await archive(served, tmp_path / "first")
        port = int(served.seeds[0].rsplit(":")[-1].rstrip("/"))
    export_folder(read_folder(tmp_path / "first", crawler.Config()), "cdxj", tmp_path / "first.cdxj")
    for source in ("first", "first.cdxj"):
        async with open_web(Web([Site("a.test", moved)]), port=port) as served:
            await archive(served, tmp_path / f"with-{source}", warc={"dedupe_with": [str(tmp_path / source)]})
            home = served.seeds[0].rstrip("/")
        first = {one.fields["warc-target-uri"].removeprefix(home): one for one in answers(tmp_path / "first")}
        found = {one.fields["warc-target-uri"].removeprefix(home): one for one in answers(tmp_path / f"with-{source}")}
        kinds = {path: one.kind for path, one in found.items() if path != "/robots.txt"}
        assert kinds == {
            "/": "response", "/a": "revisit", "/b": "response", "/c": "revisit", "/moved": "response",
            "/empty": "response",
        }  # fmt: skip
        held = first["/a"].fields
        expected = f"{home}/a", f"{held['warc-date'][:19]}Z", held["warc-payload-digest"]
        assert _told(found["/a"]) == _told(found["/c"]) == expected


async def test_a_source_that_is_not_there_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        with pytest.raises(ConfigError, match="neither an index"):
            await archive(served, tmp_path / "crawl", warc={"dedupe_with": [str(tmp_path / "gone")]})
        assert not served.hits
    assert not (tmp_path / "crawl").exists()
