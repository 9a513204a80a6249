"""The programs of docs/own-data.md and docs/forms.md are run, each against a server that says what it was asked."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import anyio
import orjson
import pytest

from crawler.urls.requests import MOST_BODY, MOST_DATA, MOST_FIELDS, MOST_LABEL
from tests.echo import Echo, open_echo

DOCS = Path(__file__).parent.parent / "docs"
OWN_DATA, FORMS = ((DOCS / name).read_text("utf-8") for name in ("own-data.md", "forms.md"))
LOOPBACK = 'max_depth=0, delay_s=0.0, workers=1, allow_networks=["127.0.0.0/8"]'
COMMAND = "from crawler.cli.app import main; main()"
LIST = "id,homepage,label,country\n7,https://example.org/,shop,AT\n8,https://example.org/b,,DE\n"


def programs(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


async def run(folder: Path, echo: Echo, *command: str) -> list[str]:
    with anyio.fail_after(60):
        ran = await anyio.run_process([sys.executable, "-W", "error", *command], cwd=folder, check=False)
    assert (ran.returncode, ran.stderr.decode()) == (0, ""), ran.stderr.decode()
    return ran.stdout.decode().splitlines()


async def run_program(code: str, folder: Path, echo: Echo) -> list[str]:
    """Returns what a program printed."""
    code = code.replace("https://example.org/", f"{echo.url}/").replace("max_depth=0", LOOPBACK)
    (folder / "program.py").write_text(code)
    return await run(folder, echo, "program.py")


def records(folder: Path) -> dict[str, dict[str, object]]:
    lines = (folder / "pages.jsonl").read_bytes().splitlines()
    return {record["url"].split("/", 3)[3]: record for record in map(orjson.loads, lines)}


@pytest.mark.slow
async def test_a_program_gives_data_and_finds_it_again(tmp_path: Path) -> None:
    async with open_echo() as echo:
        printed = await run_program(programs(OWN_DATA)[0], tmp_path, echo)
    assert sorted(printed) == [
        "/about - None", "/hats category {'shop': 8}", "/shoes category {'shop': 7, 'tags': ['new']}",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("by", ["program", "command"])
async def test_a_list_brings_data(by: str, tmp_path: Path) -> None:
    async with open_echo() as echo:
        (tmp_path / "shops.csv").write_text(LIST.replace("https://example.org", echo.url))
        if by == "program":
            assert await run_program(programs(OWN_DATA)[1], tmp_path, echo) == ["2"]
        else:
            options = "--keep-columns --depth 0 --delay 0 --allow-network 127.0.0.0/8 -q -o shops.crawl"
            await run(tmp_path, echo, "-c", COMMAND, "shops.csv", *options.split())
            told = await run(tmp_path, echo, "-c", COMMAND, "explain", f"{echo.url}/", "-o", "shops.crawl", "--offline")
            assert any("a GET, labelled 'shop'" in line for line in told)
    found = records(tmp_path / "shops.crawl")
    said = {path: (record.get("label"), record["request_data"]) for path, record in found.items()}
    assert said == {"": ("shop", {"id": "7", "country": "AT"}), "b": (None, {"id": "8", "country": "DE"})}


@pytest.mark.slow
async def test_forms_are_sent_and_told_apart(tmp_path: Path) -> None:
    async with open_echo() as echo:
        printed = await run_program(programs(FORMS)[0], tmp_path, echo)
    assert len(printed) == len(echo.asked) == 5
    assert "POST /search fetched {'words': 'shoes', 'page': 2}" in printed
    kinds = {(method, path, headers["Content-Type"]) for method, path, headers, _ in echo.asked}
    assert kinds == {
        ("POST", "/search", "application/x-www-form-urlencoded"), ("POST", "/graphql", "application/json"),
    }  # fmt: skip
    assert {b"q=shoes&page=1", b'{"query": "{ item(id: 2) { name } }"}'} <= set(echo.bodies())


def test_there_are_no_other_programs() -> None:
    assert (len(programs(OWN_DATA)), len(programs(FORMS))) == (2, 1)


def test_the_documents_name_the_bounds() -> None:
    assert f"{MOST_DATA >> 10} KiB; a label is one line of up to {MOST_LABEL} characters" in OWN_DATA
    assert f"| bytes, {MOST_BODY >> 10} KiB" in FORMS
    assert f"comes twice; {MOST_FIELDS >> 10} KiB" in FORMS
