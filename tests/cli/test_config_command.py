"""`crawl config`: what is in force, where it comes from, what is wrong."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest

from crawler import count_cores
from crawler.settings.memory_plan import KNOWN, MIB, plan_memory
from crawler.settings.toml import default_toml

from .conftest import CRAWL, Crawl

CONFIG = Path(__file__).parent.parent.parent / "config"


async def test_show_tells_where_each_setting_comes_from(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[politeness]\ndelay_s = 5\n")
    env = {**os.environ, "CRAWL_PER_SITE": "2"}
    ran = await crawl("config", "show", "-c", "my.toml", "--set", "max-depth=1", env=env)
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert "politeness.delay_s = 5.0  # my.toml" in lines
    assert "politeness.per_site = 2  # CRAWL_PER_SITE in the environment" in lines
    assert "scope.max_depth = 1  # --set" in lines
    assert "scope.limit = none" in lines


async def test_show_says_what_the_choice_by_cost_chooses_between(crawl: Crawl) -> None:
    ran = await crawl("config", "show", "--set", "offload.executor=auto")
    (line,) = [line for line in ran.out.splitlines() if line.startswith("offload.executor")]
    assert line.startswith(
        'offload.executor = "auto"  # --set; plain pages below 16 KiB on the loop, below 64 KiB in a'
    )
    assert line.endswith(("all else in worker processes", f"{count_cores()} worker processes"))


@pytest.mark.slow
async def test_show_tells_what_a_figure_for_all_memory_makes_of_the_settings(crawl: Crawl) -> None:
    ran = await crawl("config", "show", "--memory", "512M", "--set", "offload.workers=1")
    assert ran.code == 0
    told = dict(line.split(" = ", 1) for line in ran.out.splitlines())
    chosen = {key for key, value in told.items() if value.endswith("# --memory or --set")}
    assert chosen == {*plan_memory(512 * MIB, 1)}
    assert told["frontier.memory_bytes"].split()[0] == f"{512 * MIB // KNOWN:_}"
    assert told["offload.workers"].split()[0] == "1"
    assert "at least" in (await crawl("config", "show", "--memory", "100M")).err


@pytest.mark.slow
async def test_init_writes_what_check_accepts(crawl: Crawl, tmp_path: Path) -> None:
    assert (await crawl("config", "init")).code == 0
    assert (tmp_path / "crawl.toml").read_text() == default_toml()
    assert (await crawl("config", "check", "crawl.toml")).code == 0
    again = await crawl("config", "init")
    assert again.code == 2
    assert "crawl.toml exists already: --force overwrites it" in again.err
    assert (await crawl("config", "init", "--force")).code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("--daemon", "daemon.toml", "crawl serve -c daemon.toml"),
        ("--systemd", "crawl.service", "sudo systemctl enable --now crawl"),
        ("--container", "Containerfile", f"--build-arg CRAWLD=crawld=={version('crawld')}"),
        ("--grafana", "crawld.json", "Import"),
        ("--prometheus", "crawld.rules.yml", "rule_files"),
    ],
)
async def test_init_writes_what_runs_the_daemon_and_says_how(
    crawl: Crawl, tmp_path: Path, kind: str, name: str, told: str
) -> None:
    ran = await crawl("config", "init", kind)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"wrote {name}; ")
    assert told in ran.out
    [original] = CONFIG.rglob(name)
    given = original.read_text().replace("/usr/local/bin/crawl ", f"{CRAWL} ")
    assert (tmp_path / name).read_text() == given
    (tmp_path / name).write_text("mine")
    again = await crawl("config", "init", kind)
    assert (again.code, again.err) == (2, f"crawl: {name} exists already: --force overwrites it\n")
    assert (tmp_path / name).read_text() == "mine"
    (tmp_path / "there").mkdir()
    assert (await crawl("config", "init", kind, "--force", name)).code == 0
    assert (await crawl("config", "init", kind, "there")).out.startswith(f"wrote there/{name}; ")
    assert (tmp_path / name).read_text() == (tmp_path / "there" / name).read_text() == given


@pytest.mark.slow
async def test_init_writes_one_file_at_a_time(crawl: Crawl, tmp_path: Path) -> None:
    ran = await crawl("config", "init", "--daemon", "--container")
    assert (ran.code, ran.err) == (2, "crawl: --daemon and --container are two files: choose one\n")
    assert [*tmp_path.iterdir()] == []
    ran = await crawl("config", "init", "--systemd", "none/crawl.service")
    assert (ran.code, ran.err) == (2, "crawl: none/crawl.service: No such file or directory\n")


@pytest.mark.slow
async def test_check_says_all_that_is_wrong(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[scope]\nmax_dpth = 1\nlimit = 0\n")
    ran = await crawl("config", "check", "my.toml")
    assert ran.code == 2
    assert "my.toml: [scope] max_dpth: no such setting; did you mean scope.max_depth?" in ran.err
    assert "my.toml: [scope] limit = 0: should be greater than or equal to 1" in ran.err
    (tmp_path / "my.toml").write_text("[scope]\ninclude = ['re:(']\n")
    assert (await crawl("config", "check", "my.toml")).code == 2
