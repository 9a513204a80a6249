"""What logs take: as much as they may, and of a line as much as anybody reads."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from cli import log
from cli.log import log_to_file, log_to_stderr
from crawler.runtime.log_format import MOST_OF_LINE

LIBRARY = logging.getLogger("crawler.test")


def test_the_log_of_a_crawl_begins_anew_and_keeps_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MOST_BYTES", 2000)
    with log_to_file(tmp_path / "crawl.log", print, 0):
        for n in range(200):
            LIBRARY.info("line %d", n)
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert sum(sizes) <= 4000
    assert "line 199" in (tmp_path / "crawl.log").read_text()


@pytest.mark.parametrize("is_json", [False, True])
def test_no_line_of_a_daemons_log_is_longer_than_anybody_reads(
    capsys: pytest.CaptureFixture[str], is_json: bool
) -> None:
    with log_to_stderr(logging.INFO, is_json=is_json):
        LIBRARY.info("%s", "x" * 1_000_000)
        try:
            raise ValueError("y" * 1_000_000)
        except ValueError:
            LIBRARY.exception("what came")
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) < 2 * MOST_OF_LINE
    assert "more characters)" in lines[0]
    assert not is_json or json.loads(lines[1])["traceback"].endswith("more characters)")
