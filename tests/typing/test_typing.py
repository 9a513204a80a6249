"""Programs that use this package, as mypy and pyright see them: right ones are accepted, wrong ones are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import crawler
import crawler.daemon
import crawler.seeds
import crawler.testing
from tests.typing.checkers import Error, Program, check_completeness, documented_programs, run_mypy, run_pyright

HEAD = """\
from pathlib import Path
from typing import Any, assert_type
import crawler
from crawler import Config, Settings
from crawler.daemon import DaemonConfig, JobSpec

SEEDS = ["https://example.org/"]

class Book:
    words = 7

def book(content: crawler.Content) -> Book: return Book()
def maybe(content: crawler.Content) -> Book | None: return None
def linked(content: crawler.Content) -> crawler.Parsed[Book] | None: return crawler.Parsed(Book(), links=["/next"])
def nothing(content: crawler.Content) -> None: ...

async def main(gentle: Settings, unknown: dict[str, Any], crawl: crawler.Crawl) -> None:
"""
PARSED = {
    "book": "crawler.Outcome[Book]",
    "maybe": "crawler.Outcome[Book]",
    "linked": "crawler.Outcome[Book]",
    "lambda content: content.depth": "crawler.Outcome[int]",
    "[('*', book), (crawler.Label('x'), linked)]": "crawler.Outcome[Any]",
    "nothing": "crawler.Outcome[Any]",
}
"""What a stream gives, by its parse function."""
RIGHT = [
    "await crawler.crawl(SEEDS, max_depth=2, delay_s=1, include=['*.html'], proxy=None, reach='domain')",
    "await crawler.crawl(SEEDS, scope={'max_depth': 2}, user_agent='bot/1.0')",
    "await crawler.crawl(SEEDS, Config(max_depth=2), folder=Path('x'), **gentle)",
    "await crawler.crawl(SEEDS, **unknown)",
    "async with crawler.open_crawl(fetcher=lambda inner: inner) as opened: print(opened.cookies)",
    "assert_type((await crawl.fetch('https://example.org/login')).text, str)",
    "await crawl.change(delay_s=2.0, concurrency=7)",
    "assert_type((await crawl.change(delay_s=2.0)).applied, tuple[crawler.Change, ...])",
    "async with crawler.open_crawl(folder='x', follow=('anchors', 'feeds'), max_depth=None) as opened: opened.stop()",
    "async with crawler.open_shared(concurrency=7) as shared: print(shared)",
    "assert_type(Config(max_depth=2).scope.max_depth, int | None)",
    "Config(max_depth=2, fetch={'headers': {'X-Team': 'a'}}, sinks=[{'text': True, 'path': 'a.jsonl'}])",
    "assert_type(Config.load('crawl.toml', environ={}, max_depth=2), Config)",
    "Config.load(Path('crawl.toml'), **gentle)",
    "assert_type(DaemonConfig(port=0, webhooks=['https://example.org/']).port, int)",
    "assert_type(DaemonConfig.load('serve.toml', port=0), DaemonConfig)",
    "JobSpec(settings=Settings(max_depth=2))",
    "assert_type(await crawler.crawl(SEEDS), crawler.Summary)",
    "async with crawler.stream(SEEDS) as s0: assert_type([one async for one in s0], list[crawler.Outcome[Any]])",
    *[
        f"async with crawler.stream(SEEDS, parse={parse}) as s{n}: assert_type([o async for o in s{n}], list[{kind}])"
        for n, (parse, kind) in enumerate(PARSED.items(), 1)
    ],
    "async with crawler.open_crawl(parse=[('*', book), (crawler.Label('x'), linked)]) as opened: opened.stop()",
    "crawler.Link('/x', label='list', data={'a': [1]}, method='POST', body=b'x', headers={'a': 'b'})",
]
WRONG = [
    "await crawler.crawl(SEEDS, max_dept=2)",
    "await crawler.crawl(SEEDS, delay_s='fast')",
    "await crawler.crawl(SEEDS, max_depth='2')",
    "await crawler.crawl(SEEDS, scope={'max_dept': 2})",
    "await crawler.crawl(SEEDS, include=7)",
    "await crawler.crawl(SEEDS, robots='obbey')",
    "await crawler.crawl(7)",
    "await crawl.change(max_dept=2)",
    "async with crawler.open_crawl(max_dept=2): pass",
    "async with crawler.open_crawl(sinks=[object()]): pass",
    "async with crawler.open_crawl(fetcher=object()): pass",
    "async with crawler.open_crawl(fetcher=lambda inner: None): pass",
    "async with crawler.open_crawl(before_request=lambda request: request): pass",
    "async with crawler.stream(SEEDS, after_response=5): pass",
    "async with crawler.stream(SEEDS, delay_s='fast'): pass",
    "async with crawler.open_shared(concurency=7): pass",
    "Config(max_dept=2)",
    "Config(scop={'max_depth': 2})",
    "Config(delay_s='fast')",
    "Config(sinks=[{'pth': 'a.jsonl'}])",
    "Config.load('crawl.toml', max_dept=2)",
    "Config.load(7)",
    "DaemonConfig(prot=0)",
    "DaemonConfig.load('serve.toml', port='x')",
    "JobSpec(settings=Settings(max_dept=2))",
    "async with crawler.stream(SEEDS, parse=7): pass",
    "async with crawler.stream(SEEDS, parse=[book]): pass",
    "async with crawler.open_crawl(parse=lambda: 1): pass",
    "async with crawler.stream(SEEDS, parse=book) as o1: print([one.data.words async for one in o1])",
    "async with crawler.stream(SEEDS, parse=maybe) as o2: print([one.data.wrds async for one in o2 if one.data])",
    "crawler.Link(7)",
    "crawler.Parsed(links=[7])",
    "crawler.crwal(SEEDS)",
    "crawler.daemon.open_job",
]
TOOLS = [pytest.param(run_mypy, id="mypy"), pytest.param(run_pyright, id="pyright")]
PUBLIC = (crawler, crawler.daemon, crawler.seeds, crawler.testing)

Check = Callable[[list[Program], Path], list[Error]]


def test_programs_of_the_documents_are_found() -> None:
    programs = list(documented_programs())
    assert len(programs) > 15
    assert len({program.name for program in programs}) == len(programs)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("check", TOOLS)
def test_right_programs_are_accepted_and_each_wrong_line_is_refused(check: Check, tmp_path: Path) -> None:
    programs = [*documented_programs(), Program("right", _body(RIGHT)), Program("wrong", _body(WRONG))]
    found = check(programs, tmp_path)
    assert [error for error in found if error.program != "wrong"] == []
    refused = {error.line for error in found if error.program == "wrong"}
    first = HEAD.count("\n") + 1
    assert [line for number, line in enumerate(WRONG, first) if number not in refused] == []


@pytest.mark.long
@pytest.mark.slow
def test_the_types_of_all_public_names_are_known() -> None:
    known, others = check_completeness("crawler")
    names = {f"{package.__name__}.{name}" for package in PUBLIC for name in package.__all__}
    assert names - known - set(others) == set(), "pyright does not see them"
    assert {name: others[name] for name in names & set(others)} == {}, _reasons(others)


def _body(lines: list[str]) -> str:
    return HEAD + "".join(f"    {line}\n" for line in lines)


def _reasons(others: dict[str, list[str]]) -> str:
    """Returns the fields without a type, among them those that keep a public class from being known."""
    fields = {name: why for name, whys in others.items() for why in whys if "missing" in why or "unknown for" in why}
    inner = {name: why for name, why in fields.items() if name.split(".")[-2][:1].isupper()}
    return "give a type to one of these:" + "".join(f"\n{name}: {why.split()[-1]}" for name, why in inner.items())
