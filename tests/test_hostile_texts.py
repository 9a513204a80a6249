"""What hurts an extractor of texts, metadata or PDF costs that page alone."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from crawler.testing import Answer, Page, Site, Web, html, open_web
from tests.hostile.extractors import hurtful_answers
from tests.hostile.run import crawl
from tests.pdfs import make_pdf

pytestmark = [pytest.mark.slow, pytest.mark.long]

GOOD = 8
STORY = "The boats stayed in until the spring came, and nobody sold any fish in the harbour before that. "
MOST_BYTES = 1600 << 20
OPTIONS = (
    *("--delay", "0", "--allow-network", "127.0.0.0/8", "--text", "--markdown", "--metadata", "--dedupe", "near"),
    *("--set", "offload.page_cpu_s=3", "--set", "offload.workers=2"),
)


def answer(content_type: str, body: bytes) -> Page:
    return Page(lambda asked: Answer(200, (("Content-Type", content_type),), body))


@pytest.mark.parametrize("quality", ["fast", "best"])
async def test_what_hurts_an_extractor_costs_that_page_alone(tmp_path: Path, quality: str) -> None:
    extras = [*(["pypdfium2"]), *(["trafilatura"] if quality == "best" else [])]
    if missing := [name for name in extras if find_spec(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    hurtful = {path: answer(*said) for path, said in hurtful_answers().items()}
    good = {f"/good/{number}": html(f"Good {number}", text=[f"{number} " + STORY * 8]) for number in range(GOOD)}
    good["/good.pdf"] = answer("application/pdf", make_pdf([STORY]))
    web = Web([Site("h.test", {"/": html("Home", [*hurtful, *good]), **hurtful, **good})], ["http://h.test/"])
    options = (*OPTIONS, "--set", f"extract.quality={quality}", "--set", "extract.pdf=true")
    async with open_web(web) as served:
        run = await crawl(served.seeds, tmp_path / "crawl", options, 240.0)
        home = served.seeds[0].rstrip("/")
    found = {str(record["url"]).removeprefix(home): record for record in run.records}
    assert run.exit_code == 0, run.said
    assert set(found) == {"/", *hurtful, *good}
    assert {record["disposition"] for record in found.values()} == {"fetched"}
    reasons = {path: found[path]["reason"] for path in hurtful}
    assert set(reasons.values()) <= {None, "parse", "parse-timeout", "parse-crash"}, reasons
    for path in good:
        assert found[path]["reason"] is None
        assert STORY.strip() in found[path]["text"] or "near_duplicate_of" in found[path], path
    assert run.peak_bytes < MOST_BYTES
    assert not run.left
