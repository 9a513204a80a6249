"""The program of docs/replay.md is run, over an archive of its own."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tests.warc.samples import answer, members, record

DOCUMENT = (Path(__file__).parents[2] / "docs" / "replay.md").read_text()


async def test_the_program_of_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    pages = [record("response", answer(b"<p>%d" % n), f"http://a.example/{n}") for n in range(3)]
    (tmp_path / "last-month.warc.gz").write_bytes(members(pages))
    (tmp_path / "program.py").write_text(code.replace("folder=", 'executor="thread", folder='))
    monkeypatch.chdir(tmp_path)
    await runpy.run_path("program.py")["main"]()
    assert capsys.readouterr().out == "3 pages, {}\n"
    assert (tmp_path / "again.crawl" / "pages.jsonl").read_text().count('"data":4') == 3
