"""The yardstick nearer to today's web has names, TLS 1.3 and codings, and its pages have the size that it tells."""

from __future__ import annotations

import shutil
from statistics import fmean

import pytest

from benchmarks.contest import run
from benchmarks.contestants import crawld
from benchmarks.modern_site import serving_modern
from benchmarks.pages import Plan, lay_out, write


def test_pages_have_240_kilobytes_on_average_and_half_of_that_are_scripts() -> None:
    plan = Plan(pages=150, hosts=4, is_modern=True)
    bodies = [body for _, body in write(plan, lay_out(plan))]
    assert fmean(map(len, bodies)) == pytest.approx(240_000, rel=0.1)
    scripts = [body.partition(b'id="state">')[2].partition(b"</script>")[0] for body in bodies]
    assert 0.4 < fmean(map(len, scripts)) / fmean(map(len, bodies)) < 0.6


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl command on this machine")
def test_every_page_is_found_by_its_name_over_tls() -> None:
    with serving_modern(Plan(pages=12, hosts=4, is_modern=True)) as (site, sizes):
        heat = run(crawld(), site)
    assert (heat.pages, heat.complaint) == (12, "")
    assert "kB decoded" in sizes
