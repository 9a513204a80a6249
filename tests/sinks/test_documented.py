"""The settings that docs/outputs.md shows can be used, and every kind of output stands there with its promise."""

from __future__ import annotations

import re
from pathlib import Path

from crawler import Config
from crawler.settings import BUILT_IN_SINKS
from crawler.sinks import make_outputs

TEXT = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text("utf-8")


def test_the_settings_of_the_document_make_outputs(tmp_path: Path) -> None:
    shown = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    kinds = set()
    for block in shown:
        (tmp_path / "crawl.toml").write_text(block)
        config = Config.load(tmp_path / "crawl.toml", environ={})
        kinds |= {sink.kind for sink in config.sinks}
        assert len(make_outputs(tmp_path, config)) == len(config.sinks)
    assert kinds >= BUILT_IN_SINKS - {"warc", "files"}, "show how each is asked for"


def test_every_kind_of_output_has_a_row_with_its_guarantee() -> None:
    rows = {found[1]: row for row in TEXT.splitlines() if (found := re.search(r'\[\[sinks\]\] kind = "(\w+)"', row))}
    assert set(rows) >= BUILT_IN_SINKS
    assert all(row.count("|") == 5 and row.rsplit("|", 2)[1].strip() for row in rows.values())
