"""`crawl prove` says how a crawl treated each site, and ends with 1 where it was not as it should be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crawler import FolderError, prove_folder
from tests.cli.conftest import Crawl
from tests.proving import rude


async def test_the_command_tells_verdict_and_letter(tmp_path: Path, crawl: Crawl) -> None:
    folder = await rude.crawl_politely(tmp_path / "crawl")
    site = prove_folder(folder).sites[0].site
    ran = await crawl("prove", str(folder.path), "--site", f"{site}/any")
    assert ran.code == 0, ran.err
    assert "all sites were treated as they should" in ran.out
    assert "Every request kept to your robots.txt and to these rests." in " ".join(ran.out.split())
    told = json.loads((await crawl("prove", str(folder.path), "--json")).out)
    assert (told["verdict"], told["requests"], told["sites"][0]["n_breaches"]) == ("kept", 6, 0)
    rude.reseal(folder, lambda line: line.replace(b'"delay_s":0.05', b'"delay_s":5.0'))
    ran = await crawl("prove", str(folder.path))
    assert ran.code == 1
    assert "BREACHED" in ran.out


async def test_a_folder_without_a_record_and_a_site_without_a_request_are_told(tmp_path: Path, crawl: Crawl) -> None:
    folder = await rude.crawl_politely(tmp_path / "crawl")
    ran = await crawl("prove", str(folder.path), "--site", "nowhere.test")
    assert (ran.code, "has no request to https://nowhere.test" in ran.err) == (2, True)
    bare = await rude.crawl_politely(tmp_path / "bare", audit_requests=False)
    with pytest.raises(FolderError, match="recorded no requests"):
        prove_folder(bare)
