"""A proof finds what a crawl did wrong, and what somebody did to its record; in a polite crawl it finds nothing."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crawler import Config, Fetcher, Folder, Request, Response, open_crawl, prove_folder, write_letter
from crawler.testing import delaying, open_web
from tests.proving import rude

Lines = list[bytes]


# -- what the crawl did ----------------------------------------------------------------------------------------------


async def test_a_polite_crawl_is_proven_over_all_its_runs(tmp_path: Path) -> None:
    folder = await rude.crawl_politely(tmp_path / "crawl", times=2, revisit_after_s=0.0)
    proof = prove_folder(folder)
    assert proof.is_kept, proof.record()
    (site,) = proof.sites
    assert (proof.runs, proof.unended, site.most_under_way) == (2, 0, 1)
    assert site.purposes == {"robots": 2, "page": 2 * 5}
    assert site.least_gap_s is not None
    assert site.least_gap_s >= site.delay_s == rude.DELAY_S
    assert len(site.robots) == 1


@pytest.mark.parametrize(
    ("act", "kind"), [(rude.ask_early, "gap"), (rude.ask_beside, "parallel"), (rude.ask_forbidden, "robots")]
)
async def test_a_rude_request_is_named(tmp_path: Path, act: Callable[[Fetcher, Request], Any], kind: str) -> None:
    proof = prove_folder(await rude.crawl_rudely(tmp_path / "crawl", act))
    (site,) = proof.sites
    assert not proof.is_kept
    assert not proof.faults
    assert kind in {breach.kind for breach in site.breaches}
    assert all(breach.url.endswith(("/c", "/private/x", "/d")) for breach in site.breaches)


async def test_a_crawl_delay_is_held_against_the_crawl_from_the_bytes_of_robots_txt(tmp_path: Path) -> None:
    robots = delaying(0.2)
    kept = prove_folder(await rude.crawl_politely(tmp_path / "kept", robots=robots))
    assert kept.is_kept, kept.record()
    assert kept.sites[0].reasons["crawl-delay"] == 5 + 1
    capped = await rude.crawl_politely(tmp_path / "capped", robots=robots, max_delay_s=0.1)
    assert prove_folder(capped).is_kept
    rude.reseal(capped, lambda line: line.replace(b'"max_delay_s":0.1', b'"max_delay_s":60.0'))
    proof = prove_folder(capped)
    assert {breach.kind for breach in proof.sites[0].breaches} == {"robots"}
    assert "Crawl-delay is 0.2 s" in proof.sites[0].breaches[0].why


async def test_a_site_that_asked_to_be_left_alone_is(tmp_path: Path) -> None:
    proof = prove_folder(await rude.crawl_busy_site(tmp_path / "polite"))
    assert proof.is_kept, proof.record()
    assert proof.sites[0].retry_afters == 1

    class Impatient:
        def __init__(self, inner: Fetcher) -> None:
            self.inner = inner

        async def fetch(self, request: Request) -> Response:
            response = await self.inner.fetch(request)
            return response if response.status != 503 else await self.inner.fetch(request)

    proof = prove_folder(await rude.crawl_busy_site(tmp_path / "rude", Impatient))
    assert "retry-after" in {breach.kind for breach in proof.sites[0].breaches}


async def test_a_crawl_that_ignores_robots_txt_is_not_proven_polite(tmp_path: Path) -> None:
    proof = prove_folder(await ignoring(tmp_path / "crawl"))
    assert {breach.kind for breach in proof.sites[0].breaches} == {"robots"}
    assert "ignored" in proof.sites[0].breaches[0].why


async def ignoring(folder: Path) -> Folder:
    from crawler import crawl as crawl_all
    from crawler import read_folder

    async with open_web(rude.web()) as served:
        await crawl_all(served.seeds, Config(politeness={"robots": "ignore"}), folder=folder, **rude.SETTINGS)
    return read_folder(folder, Config())


async def test_a_change_of_the_delay_holds_from_then_on_and_is_in_the_history(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    async with open_web(rude.web()) as served, open_crawl(folder=folder, **rude.SETTINGS) as opened:
        await opened.add(served.seeds)
        await opened.change(delay_s=0.02, who="Ada")
        await opened.run()
        proof = prove_folder(opened.folder) if opened.folder else None
    assert proof is not None
    assert proof.is_kept, proof.record()
    assert [(change.who, dict(change.changed)) for change in proof.changes] == [("Ada", {"delay_s": (0.05, 0.02)})]
    lines = (folder / "settings.history").read_text().splitlines()
    change = json.loads(lines[2].split(" ", 2)[2].rpartition(" ")[0])
    assert change == {
        "event": "change", "who": "Ada",
        "changes": [{"key": "politeness.delay_s", "old": 0.05, "new": 0.02, "applies": True}],
    }  # fmt: skip


# -- what somebody did to the record -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a polite crawl. Tests change copies of it."""
    import asyncio

    place = tmp_path_factory.mktemp("whole") / "crawl"
    asyncio.run(rude.crawl_politely(place))
    return place


def copy(whole: Path, tmp_path: Path) -> Folder:
    from crawler import read_folder

    shutil.copytree(whole, tmp_path / "crawl")
    return read_folder(tmp_path / "crawl", Config())


def drop(lines: Lines) -> int:
    del lines[5]
    return 6


def change(lines: Lines) -> int:
    lines[7] = (
        lines[7].replace(b" page ", b" other ") if b" page " in lines[7] else lines[7].replace(b" 200 ", b" 404 ")
    )
    return 8


def reorder(lines: Lines) -> int:
    lines[5], lines[6] = lines[6], lines[5]
    return 6


def insert(lines: Lines) -> int:
    lines.insert(5, lines[5])
    return 7


@pytest.mark.parametrize("act", [drop, change, reorder, insert])
def test_a_record_that_was_changed_is_named_to_the_line(
    tmp_path: Path, whole: Path, act: Callable[[Lines], int]
) -> None:
    folder = copy(whole, tmp_path)
    audit = folder.path / "requests.audit"
    lines = audit.read_bytes().splitlines(keepends=True)
    expected = act(lines)
    audit.write_bytes(b"".join(lines))
    proof = prove_folder(folder)
    assert not proof.is_kept
    assert expected in {fault.line for fault in proof.faults[:2]}


def test_lines_that_are_gone_from_its_end_show_by_the_frontier(tmp_path: Path, whole: Path) -> None:
    folder = copy(whole, tmp_path)
    audit = folder.path / "requests.audit"
    lines = audit.read_bytes().splitlines(keepends=True)
    audit.write_bytes(b"".join(lines[:-2]))
    (fault,) = prove_folder(folder).faults
    assert "were settled" in fault.why


def test_other_bytes_of_robots_txt_are_refused(tmp_path: Path, whole: Path) -> None:
    folder = copy(whole, tmp_path)
    kept = folder.path / "robots.kept"
    assert b"/private/" in kept.read_bytes()
    kept.write_bytes(kept.read_bytes().replace(b"/private/", b"/privatf/"))
    proof = prove_folder(folder)
    assert {breach.kind for breach in proof.sites[0].breaches} == {"robots"}
    assert "missing or changed" in proof.sites[0].breaches[0].why


async def test_a_crawl_whose_record_was_cut_goes_on_and_says_so(
    tmp_path: Path, whole: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = copy(whole, tmp_path)
    audit = folder.path / "requests.audit"
    audit.write_bytes(audit.read_bytes()[:700])
    with caplog.at_level(logging.WARNING):
        async with open_crawl(folder=folder.path, **rude.SETTINGS) as opened:
            await opened.run()
    assert "was cut or changed" in caplog.text
    assert any("found lines missing" in fault.why for fault in prove_folder(folder).faults)


def test_a_last_line_that_was_torn_is_no_fault(tmp_path: Path, whole: Path) -> None:
    folder = copy(whole, tmp_path)
    with (folder.path / "requests.audit").open("ab") as file:
        file.write(b"> 1796069888.055189 99 GET http://a.te")
    assert prove_folder(folder).is_kept


def test_the_record_can_be_read_by_its_owner_only(whole: Path) -> None:
    for name in ("requests.audit", "robots.kept", "settings.history"):
        assert (whole / name).stat().st_mode & 0o777 == 0o600


# -- the letter -------------------------------------------------------------------------------------------------------


def test_the_letter_says_where_a_site_was_treated_badly(tmp_path: Path, whole: Path) -> None:
    folder = copy(whole, tmp_path)
    rude.reseal(folder, lambda line: line.replace(b'"delay_s":0.05', b'"delay_s":5.0'))
    proof = prove_folder(folder)
    assert "did not keep to the rules" in write_letter(proof, proof.sites[0])
