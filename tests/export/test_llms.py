"""`llms.txt` and `llms-full.txt`: the pages of a site for language models, in the shape of llmstxt.org."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler import FolderError, export_folder

from .conftest import MakeFolder, page

HOME = "https://a.example"


def test_a_site_is_listed_by_section_and_its_texts_stand_in_one_file(make: MakeFolder, tmp_path: Path) -> None:
    records = [
        page(f"{HOME}/", "Apples — The Shop", description="All of it.", markdown="# Apples\n\nWelcome.", depth=0),
        page(f"{HOME}/how-to/c", "C — The Shop", markdown="C.", depth=1),
        page(f"{HOME}/how-to/a", "A [new] — The Shop", description="On a.", markdown="# A\n\nText of A.", depth=1),
        page(f"{HOME}/how-to/b_(x)", "B — The Shop", markdown="B.", depth=2),
        page(f"{HOME}/one/x", "X — The Shop", markdown="X.", depth=1),
        page(f"{HOME}/hidden", "H — The Shop", markdown="H.", depth=1, robots="noindex"),
        page(f"{HOME}/gone", "G — The Shop", markdown="G.", depth=1),
        page(f"{HOME}/gone", "G", 2, status=404, disposition="failed", reason="status-4xx"),
    ]
    export_folder(make(records), "llms", tmp_path / "out")
    assert (tmp_path / "out" / "llms.txt").read_text().splitlines() == [
        "# Apples — The Shop", "",
        "> All of it.", "",
        "## Pages", "",
        f"- [Apples]({HOME}/): All of it.",
        f"- [X]({HOME}/one/x)", "",
        "## How to", "",
        f"- [A \\[new\\]]({HOME}/how-to/a): On a.",
        f"- [C]({HOME}/how-to/c)",
        f"- [B](<{HOME}/how-to/b_(x)>)",
    ]  # fmt: skip
    full = (tmp_path / "out" / "llms-full.txt").read_text()
    assert full.startswith(
        f"# Apples\n\nSource: <{HOME}/>\n\nWelcome.\n\n# A\n\nSource: <{HOME}/how-to/a>\n\nText of A.\n\n"
    )
    assert "H." not in full


def test_several_sites_have_a_folder_each(make: MakeFolder, tmp_path: Path) -> None:
    records = [page(f"{one}/", "A", markdown="A.") for one in (HOME, "http://b.example:8080")]
    export_folder(make(records), "llms", tmp_path / "out")
    assert sorted(str(one.relative_to(tmp_path)) for one in (tmp_path / "out").rglob("*.txt")) == [
        "out/a.example/llms-full.txt", "out/a.example/llms.txt",
        "out/b.example_8080-http/llms-full.txt", "out/b.example_8080-http/llms.txt",
    ]  # fmt: skip


def test_a_crawl_without_texts_is_told_what_to_crawl_with(make: MakeFolder, tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="--markdown"):
        export_folder(make([page(f"{HOME}/", "A")]), "llms", tmp_path / "out")
    with pytest.raises(FolderError, match="no page"):
        export_folder(make([page(f"{HOME}/", "A", status=404)]), "llms", tmp_path / "out")
    assert not (tmp_path / "out").exists()
