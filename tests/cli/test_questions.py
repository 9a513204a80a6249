"""`crawl` alone: three questions on a terminal, and what their answers make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from crawler.cli import run
from crawler.cli.app import app
from crawler.cli.questions import FARTHEST, HOME
from crawler.testing import Served

from .conftest import Crawl
from .terminal import on_terminal

pytestmark = pytest.mark.slow

LOCAL = {"CRAWL_ALLOW_NETWORKS": '["127.0.0.0/8"]', "CRAWL_DELAY_S": "0", "NO_COLOR": "1"}


async def test_three_answers_make_a_command_that_runs(tmp_path: Path, web: Served) -> None:
    """Answers that are not taken are told in the words of the options, and asked for again."""
    with on_terminal(cwd=tmp_path, env=LOCAL) as terminal:
        await terminal.see("1. What to crawl?")
        for said, told in (("gone.txt", "gone.txt: no such file"), ("", "name an address, such as example.org")):
            await terminal.see("> ")
            terminal.type(f"{said}\n")
            await terminal.see(told)
        terminal.type(f"{web.url('a.test')}\n")
        await terminal.see("2. How far?")
        await terminal.see("[3] site")
        terminal.type("planet\n")
        await terminal.see("'planet' is not one of pages, folder, site, domain, links")
        terminal.type("domain\n")
        await terminal.see("[1000]")
        for said, told in (("many", "invalid value for '--limit'"), ("-1", "limit = -1: should be greater than")):
            await terminal.see("> ")
            terminal.type(f"{said}\n")
            await terminal.see(told)
        terminal.type("2\n")
        await terminal.see("3. What to take home?")
        await terminal.see("> ")
        terminal.type("2\n")
        await terminal.see(f"\r\n  crawl {web.url('a.test')} --reach domain --limit 2 --links\r\n")
        await terminal.see("Enter runs this command")
        assert not list(tmp_path.iterdir()), "nothing is made before"
        terminal.type("\n")
        said = await terminal.rest()
        assert terminal.process.wait() == 0
    assert "page limit reached: 2 pages" in said
    assert f"\r\n  crawl {web.url('a.test')} --reach domain --limit 4 --links\r\n" in said
    [folder] = tmp_path.iterdir()
    records = [json.loads(line) for line in (folder / "pages.jsonl").read_text().splitlines()]
    assert all("links" in record for record in records)


@pytest.mark.parametrize(
    ("answers", "key", "told"),
    [([], "\x03", "crawl: interrupted"), ([], "\x04", ""), (["example.org", "", "", ""], "\x03", "crawl: interrupted")],
)
async def test_who_leaves_leaves_nothing(tmp_path: Path, answers: list[str], key: str, told: str) -> None:
    with on_terminal(cwd=tmp_path) as terminal:
        for answer in answers:
            await terminal.see("> ")
            terminal.type(f"{answer}\n")
        await terminal.see("> ")
        terminal.type(key)
        assert (await terminal.rest()).rstrip().endswith(told)
        assert terminal.process.wait() == 130
    assert not list(tmp_path.iterdir())


async def test_a_folder_that_is_named_is_continued_without_further_questions(
    crawl: Crawl, tmp_path: Path, web: Served
) -> None:
    await crawl(web.url("a.test"), "-o", "a.crawl", "--limit", "1", "--allow-network", "127.0.0.0/8")
    with on_terminal(cwd=tmp_path) as terminal:
        await terminal.see("> ")
        terminal.type("a.crawl\n")
        assert "2." not in await terminal.see("Enter runs this command")
        terminal.type("\n")
        assert "page limit reached" in await terminal.rest()
        assert terminal.process.wait() == 0


async def test_a_pipe_is_asked_nothing(crawl: Crawl) -> None:
    ran = await crawl(stdin="example.org\n")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: crawl SEEDS... [OPTIONS]")


def test_every_answer_is_one_that_the_command_takes() -> None:
    command: Any = typer.main.get_command(app)
    for choice in (*FARTHEST, *HOME):
        run.check(command.commands["run"].make_context("run", ["example.org", *choice.arguments]).params)
