"""The plug-in for pytest, in projects of somebody else: their tests are run by a pytest of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.committed import ROOT

OPTIONS = ("-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:anyio", "-p", "no:schemathesis")
"""As in a project that has no further plug-ins."""
BESIDE = {"crawler", "crawler.runtime", "crawler.runtime.lazy_imports", "crawler.testing", "crawler.testing.plugin"}
"""The modules of ours that pytest imports at each start."""
HEAVY = ("aiohttp", "anyio", "numpy", "pydantic", "turbohtml")
PROGRAMS = re.findall(r"```python\n(.*?)```", (ROOT / "docs/testing.md").read_text(), re.DOTALL)


def run(folder: Path, *options: str, path: Path | None = None, **files: str) -> subprocess.CompletedProcess[str]:
    """Write a project, and run its tests."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", *OPTIONS, *options, "."]
    beside = {"PYTHONPATH": str(path)} if path else {}
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **beside}, capture_output=True, text=True, timeout=300, check=False
    )


def test_a_project_that_does_not_use_it_imports_nothing_of_ours(tmp_path: Path) -> None:
    test = f"""
import sys

def test_theirs():
    ours = {{name for name in sys.modules if name.split(".")[0] == "crawler"}}
    assert ours == {BESIDE!r}
    assert not [name for name in {HEAVY!r} if name in sys.modules]
"""
    ran = run(tmp_path, test_theirs=test)
    assert ran.returncode == 0, ran.stdout


def test_our_modules_are_imported_as_they_are_where_pytest_rewrites_those_of_plugins(tmp_path: Path) -> None:
    info = tmp_path / "site" / "crawld-0.dist-info"  # of a wheel; one that is installed in place lists no modules
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: crawld\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[pytest11]\ncrawld = crawler.testing.plugin\n")
    (info / "RECORD").write_text("crawler/__init__.py,,\ncrawler/errors.py,,\n")
    test = """
def test_theirs():
    import crawler.errors, crawler.testing.plugin
    before_us = crawler.testing.plugin.__loader__
    assert type(before_us).__name__ == "AssertionRewritingHook", "pytest rewrites no plug-ins any longer"
    assert type(crawler.errors.__loader__).__name__ == "SourceFileLoader"
"""
    ran = run(tmp_path, path=tmp_path / "site", test_theirs=test)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.long
@pytest.mark.slow
def test_the_programs_of_the_document_run_as_they_stand(tmp_path: Path) -> None:
    assert len(PROGRAMS) == 4
    ran = run(tmp_path, **{f"test_{number}": program for number, program in enumerate(PROGRAMS)})
    assert ran.returncode == 0, ran.stdout
    assert "5 passed" in ran.stdout


RUDE = """
import asyncio
import crawler
from crawler.testing import html

class Hasty:
    def __init__(self, inner):
        self.inner = inner

    async def fetch(self, request):
        if request.url.path == "/b":
            await self.inner.fetch(request)  # and once more, without a rest
        return await self.inner.fetch(request)

def test_it_is_polite(fake_web, crawl_folder, virtual_clock, assert_polite):
    site = fake_web({"/": html("A", ["/b", "/c"]), "/b": html("B"), "/c": html("C")})
    virtual_clock.run(
        crawler.crawl(
            site.seeds, folder=crawl_folder, fetcher=Hasty, delay_s=5, executor="inline", allow_networks=["127.0.0.0/8"]
        )
    )
    assert_polite(crawl_folder)

def test_it_was_polite_to_somebody(crawl_folder, assert_polite, fake_web):
    site = fake_web({"/": html("A")})
    crawler.crawl_sync([], folder=crawl_folder, allow_networks=["127.0.0.0/8"], executor="inline")
    assert_polite(crawl_folder)
"""


@pytest.mark.slow
def test_a_crawl_that_does_not_rest_fails_its_test_with_the_words_of_the_verdict(tmp_path: Path) -> None:
    ran = run(tmp_path, test_rude=RUDE)
    assert ran.returncode == 1, ran.stdout
    assert "2 failed" in ran.stdout
    assert re.search(r"line \d+: gap: http://127\.\d+\.\d+\.\d+:\d+/b: .* 5 s", ran.stdout), ran.stdout
    assert "no request on record, so nothing was shown" in ran.stdout


CRASHES = """
import crawler
import pytest
from crawler.testing import html

SETTINGS = {"allow_networks": ["127.0.0.0/8"], "delay_s": 0.01, "executor": "inline"}

async def fail(seeds, folder, sinks=()):
    if sinks:
        return await crawler.crawl(seeds, folder=folder, sinks=sinks, **SETTINGS)
    raise ValueError("not twice")

def test_it_is_over_before(fake_web, crawl_folder, crash_at):
    with pytest.raises(AssertionError, match="over before its settlement number 99"):
        crash_at(99)(crawler.crawl, fake_web({"/": html("A")}).seeds, folder=crawl_folder, **SETTINGS)

def test_the_second_run_fails(fake_web, crawl_folder, crash_at, virtual_clock):
    site = fake_web({"/": html("A")})
    with pytest.raises(AssertionError, match="ValueError: not twice"):
        crash_at(1)(fail, site.seeds, folder=crawl_folder)

def test_there_is_no_settlement_number_zero(crash_at):
    with pytest.raises(ValueError, match="from 1"):
        crash_at(0)
"""


@pytest.mark.slow
def test_a_crash_that_does_not_come_and_a_run_that_does_not_go_on_fail_the_test(tmp_path: Path) -> None:
    ran = run(tmp_path, test_crashes=CRASHES)
    assert ran.returncode == 0, ran.stdout
    assert "3 passed" in ran.stdout
