"""docs/seeds.md tells what happens: its lists are read, and its lines are what is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .got import got

DOCUMENT = Path(__file__).parents[2] / "docs" / "seeds.md"
_EXAMPLE = re.compile(r"```\n\$ cat (\S+)\n(.*?)\$ crawl (\S+)(?: --column (\S+))? --dry-run\n(.*?)\n```", re.DOTALL)
EXAMPLES = [example.groups() for example in _EXAMPLE.finditer(DOCUMENT.read_text("utf-8"))]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == DOCUMENT.read_text("utf-8").count("$ crawl ") >= 9


@pytest.mark.parametrize(("name", "content", "again", "column", "told"), EXAMPLES, ids=[one[0] for one in EXAMPLES])
def test_an_example_is_read_as_told(
    tmp_path: Path, name: str, content: str, again: str, column: str | None, told: str
) -> None:
    assert name == again
    assert got(tmp_path, content, name, column).told == [told]
