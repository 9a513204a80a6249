"""What docs/sites.md shows is read and run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import anyio

from crawler.settings import SiteConfig
from crawler.settings.loading import load
from crawler.testing import link_graph, open_web

TEXT = (Path(__file__).parent.parent / "docs/sites.md").read_text("utf-8")


def shown(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)


def test_its_files_of_settings_are_read(tmp_path: Path) -> None:
    tables, proxies = shown("toml")
    (tmp_path / "sites.toml").write_text(tables)
    sites = load(tmp_path / "sites.toml").sites
    assert sites["https://www.example.org"].delay_s == 10
    assert sites["*.example.com"].bytes_per_s == 500 << 10
    (tmp_path / "proxies.toml").write_text(proxies)
    assert len(load(tmp_path / "proxies.toml").fetch.proxies) == 3
    (variable,) = re.findall(r"CRAWL_SITES='(.*?)'", TEXT)
    assert load(environ={"CRAWL_SITES": variable}).sites["example.org"].delay_s == 5


def test_it_names_every_setting_of_a_site() -> None:
    table = TEXT.partition("| setting |")[2].partition("\n\n")[0]
    named = {name for row in table.splitlines() for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    assert named == set(SiteConfig.model_fields)


async def test_its_program_runs(tmp_path: Path) -> None:
    (program,) = shown("python")
    async with open_web(link_graph(seed=1, sites=1, pages_per_site=12, links_per_page=4)) as served:
        text = program.replace("https://example.org", served.seeds[0].rstrip("/"))
        text = text.replace("max_depth=2", 'max_depth=2, executor="inline", allow_networks=["127.0.0.0/8"]')
        (tmp_path / "program.py").write_text(text)
        ran = await anyio.run_process([sys.executable, "-W", "error", "program.py"], cwd=tmp_path)
    assert int(ran.stdout.split()[0]) > 4
