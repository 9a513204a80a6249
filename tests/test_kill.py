"""`kill -9` is a supported way to stop: killed at any moment and started again, a crawl loses and repeats nothing.

tests/hostile/kills.py holds the stories; `make torture` tells all of them, and at length.
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from pathlib import Path
from random import Random

import orjson
import pytest

from crawler.testing import link_graph
from tests.hostile import kills
from tests.hostile.repeats import repeating_web
from tests.hostile.victim import Victim, troubled_web
from tests.render.webs import needs_chromium

pytestmark = pytest.mark.slow


@pytest.mark.long
async def test_killed_again_and_again_every_page_is_in_the_output_once(tmp_path: Path) -> None:
    async with kills.victim(troubled_web(240, sites=4), tmp_path) as crawl:
        await kills.killed_again_and_again(crawl, 12, Random(kills.SEED), ("group", "main", "worker", "main"))


@pytest.mark.long
async def test_killed_amid_its_archive_every_settled_attempt_is_in_it_once(tmp_path: Path) -> None:
    async with kills.victim(troubled_web(120, sites=4), tmp_path) as crawl:
        await kills.killed_while_it_archives(crawl, 5, Random(kills.SEED))


async def test_killed_amid_its_tables_every_visit_is_in_each_of_them_once(tmp_path: Path) -> None:
    async with kills.victim(troubled_web(60, sites=4), tmp_path) as crawl:
        await kills.killed_while_it_fills_tables(crawl, 2, Random(kills.SEED))


@pytest.mark.long
async def test_killed_amid_near_duplicates_each_names_the_page_that_came_first(tmp_path: Path) -> None:
    async with kills.victim(repeating_web(160, sites=4), tmp_path) as crawl:
        await kills.killed_while_it_finds_near_duplicates(crawl, 5, Random(kills.SEED))


@pytest.mark.long
@needs_chromium
async def test_killed_while_it_renders_every_page_is_recorded_once_and_no_browser_is_left(tmp_path: Path) -> None:
    async with kills.victim(kills.scripted_web(12, sites=2), tmp_path, delay_s=0.2, per_site=1) as crawl:
        await kills.killed_while_it_renders(crawl, 3, Random(kills.SEED))


@pytest.mark.long
async def test_killed_alone_it_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    async with kills.victim(troubled_web(40, sites=4), tmp_path) as crawl:
        await kills.leaves_nothing_behind(crawl, 1, Random(kills.SEED))


@pytest.mark.long
async def test_killed_amid_revisits_every_visit_is_in_the_output_once(tmp_path: Path) -> None:
    moments = Random(kills.SEED)
    async with kills.victim(link_graph(seed=7, sites=4, pages_per_site=10, links_per_page=6), tmp_path) as crawl:
        crawl.options = ("--revisit", "0s")  # every run visits all pages once more
        await crawl.finishes()
        for _ in range(2):
            await crawl.survives("group", moments.randint(1, 40))
            visits_without_a_gap(crawl)
        assert crawl.kills["group"] >= 1, "the crawl was over before it could be killed"
        await crawl.finishes()
        visits = visits_without_a_gap(crawl)
        assert set(visits) == crawl.served.web.reachable()
        assert min(visits.values()) >= 2
        again = sum(crawl.served.counts(robots=False).values()) - sum(visits.values())
        assert again <= crawl.in_flight_at_most()


def visits_without_a_gap(crawl: Victim) -> Counter[object]:
    """How many visits each URL had; they are numbered from 1 on."""
    records = crawl.records()
    visits = Counter(record["url"] for record in records)
    numbered = {(record["url"], record["visit"]) for record in records}
    assert numbered == {(url, visit) for url, n in visits.items() for visit in range(1, n + 1)}
    return visits


@pytest.mark.long
async def test_killed_while_it_saves_bodies_each_visit_is_listed_once_and_its_file_is_whole(tmp_path: Path) -> None:
    async with kills.victim(troubled_web(120, sites=4), tmp_path) as crawl:
        crawl.options = ("--save", "all")
        for moment in Random(kills.SEED).sample(range(5, 90), 4):
            await crawl.survives("group", moment)
        assert crawl.kills["group"] >= 1, "the crawl was over before it could be killed"
        await crawl.finishes()
        place = crawl.folder / "files"
        listed = [orjson.loads(line) for line in (place / "files.jsonl").read_bytes().splitlines()]
        wanted = [r["url"] for r in crawl.records() if r["disposition"] in {"fetched", "duplicate"} and r["length"]]
        assert Counter(one["url"] for one in listed) == Counter(wanted)
        for one in listed:
            assert f"sha256:{sha256((place / one['file']).read_bytes()).hexdigest()}" == one["digest"]


@pytest.mark.long
@needs_chromium
async def test_killed_while_it_saves_views_of_pages_each_is_whole_and_named_once(tmp_path: Path) -> None:
    async with kills.victim(kills.scripted_web(12, sites=2), tmp_path, delay_s=0.1, per_site=1) as crawl:
        crawl.options = ("--render", "always", "--save", "screenshots,prints")
        for moment in Random(kills.SEED).sample(range(8, 30), 3):
            await crawl.survives("group", moment)
        assert crawl.kills["group"] >= 1, "the crawl was over before it could be killed"
        await crawl.finishes()
        listed = [orjson.loads(line) for line in (crawl.folder / "files/files.jsonl").read_bytes().splitlines()]
        named = {(one["url"], one["view"]): f"files/{one['file']}" for one in listed}
        assert len(named) == len(listed), "a view is listed twice"
        shown = [record for record in crawl.records() if record["rendered"]]
        assert {record["url"] for record in shown} == crawl.served.web.reachable()
        assert named == {(one["url"], view): one[view] for one in shown for view in ("screenshot", "print")}
        for one in listed:
            kept = (crawl.folder / "files" / one["file"]).read_bytes()
            assert f"sha256:{sha256(kept).hexdigest()}" == one["digest"]
            assert kept.startswith(b"%PDF-" if one["view"] == "print" else b"\x89PNG")
            assert kept.rstrip().endswith(b"%%EOF" if one["view"] == "print" else b"IEND\xaeB`\x82")
        others = {path.name for path in (crawl.folder / "files").rglob("*") if path.is_file()} - {"files.jsonl"}
        assert {name for name in others if not name.endswith((".png", ".pdf"))} <= {"draft.new"}


@pytest.mark.long
async def test_killed_amid_data_that_follows_every_record_has_the_columns_of_its_seed(tmp_path: Path) -> None:
    web = link_graph(seed=7, sites=4, pages_per_site=10, links_per_page=6)
    async with kills.victim(web, tmp_path) as crawl:
        rows = [f"{number},{seed}" for number, seed in enumerate(crawl.served.seeds)]
        (tmp_path / "shops.csv").write_text("\n".join(["id,homepage", *rows, ""]))
        crawl.seeds, crawl.options = [str(tmp_path / "shops.csv")], ("--keep-columns", "--data-follows")
        for moment in Random(kills.SEED).sample(range(3, 30), 3):
            await crawl.survives("group", moment)
        assert crawl.kills["group"] >= 1, "the crawl was over before it could be killed"
        await crawl.finishes()
        records = crawl.records()
        assert {record["url"] for record in records} == crawl.served.web.reachable()
        numbers = {seed: str(number) for number, seed in enumerate(crawl.served.seeds)}
        wrong = [record for record in records if record["request_data"] != {"id": numbers[str(record["seed"])]}]
        assert wrong == []
