"""Passages of pages: cut at headings, bounded, with stable ids; and what changed since the export before."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from crawler import ConfigError, Folder, FolderError, export_folder
from crawler.export.passages import Passage, count_tokens, cut, plain

from .conftest import MakeFolder, page, read_lines

HOME = "https://a.example"
GUIDE = """Before all headings.

# Guide

## [Install](https://a.example/x#id1)

Take *this* and that.

```python
# no heading

print("x")
```

### On `Linux`

| a | b |
| --- | --- |
| 1 | 2 |

## Use

"""


def passages(markdown: str, most: int = 400) -> list[Passage]:
    return list(cut(markdown, most))


def test_a_passage_never_goes_beyond_a_heading_and_knows_those_above_it() -> None:
    found = passages(GUIDE)
    assert [(one.headings, one.text.split("\n")[0]) for one in found] == [
        ((), "Before all headings."),
        (("Guide", "Install"), "Take *this* and that."),
        (("Guide", "Install", "On Linux"), "| a | b |"),
    ]
    assert "# no heading" in found[1].text
    assert [one.anchor for one in found] == [
        "#:~:text=Before%20all%20headings.", "#:~:text=Install", "#:~:text=On%20Linux",
    ]  # fmt: skip


def test_blocks_that_are_too_long_are_cut_and_stay_what_they_are() -> None:
    code = "\n".join(f"line_{n} = {n}" for n in range(100))
    table = "\n".join(f"| {n} | x |" for n in range(100))
    text = f"# A\n\n```py\n{code}\n```\n\n| n | x |\n| --- | --- |\n{table}\n\n" + "Some words here. " * 100
    found = passages(text, 60)
    fences = [one.text for one in found if one.text.startswith("```")]
    assert all(one.endswith("\n```") and one.startswith("```py\n") for one in fences)
    assert "\n".join(one[6:-4] for one in fences) == code
    tables = [one.text for one in found if one.text.startswith("| n | x |\n| --- |")]
    assert sum(one.count("\n") - 1 for one in tables) == 100
    rest = [one.text for one in found if one.text.startswith("Some")]
    assert all(one.endswith("here.") for one in rest)


@pytest.mark.parametrize("most", [50, 75, 400])
def test_no_passage_is_too_long_and_no_letter_is_lost(most: int) -> None:
    dice = random.Random(7)
    pieces = [
        "word ",
        "手",
        "x" * 90,
        "\n\n",
        "\n",
        "# ",
        "```\n",
        "| ",
        ". ",
        "- ",
        "12345 ",
        "`",
        "~~~\n",
        "\n## Title\n",
    ]
    for _ in range(150):
        text = "".join(dice.choices(pieces, k=dice.randrange(1, 200)))
        found = passages(text, most)
        assert all(count_tokens(one.text) <= most for one in found), text
        letters = [c for one in found for c in one.text if c in "w手5"]
        headed = [c for line in text.split("\n") if line.startswith("#") for c in line if c in "w手5"]
        assert len(letters) >= len([c for c in text if c in "w手5"]) - len(headed)


def test_markup_is_left_out_of_headings() -> None:
    assert plain(r"[**A** `b`](https://x/) c\_d \[e\] _f_") == "A b c_d [e] f"


def chunks(folder: Folder, path: Path, **options: Any) -> list[dict[str, Any]]:
    export_folder(folder, "chunks", path, **options)
    return [dict(one) for one in read_lines(path.read_bytes())]


def test_an_index_follows_by_the_changes_alone(make: MakeFolder, tmp_path: Path) -> None:
    path, changes = tmp_path / "a.chunks.jsonl", tmp_path / "a.chunks.changes.jsonl"
    index: dict[str, Any] = {}
    held = None

    def follow(records: list[dict[str, object]]) -> dict[str, Any]:
        nonlocal held
        found = chunks(make(records), path)
        head, *steps = read_lines(changes.read_bytes())
        assert head["from"] == held
        held = head["to"]
        for step in steps:
            if step.pop("op") == "delete":
                del index[str(step["id"])]
            else:
                index[str(step["id"])] = step
        for one in [*found, *index.values()]:
            one.pop("fetched_at", None)
        assert index == {one["id"]: one for one in found}
        return dict(head)

    first = [
        page(f"{HOME}/1", "One", markdown="# One\n\nStays.\n\n## More\n\nGoes."),
        page(f"{HOME}/2", "Two", markdown="Two.\n\nTwo."),
        page(f"{HOME}/3", "Three", markdown="Three."),
    ]
    assert follow(first)["upserts"] == 4
    later = "2026-11-02T12:00:00.123Z"
    second = [
        *first,
        page(f"{HOME}/1", "One", 2, markdown="# One\n\nStays.\n\n## More\n\nIs new.", fetched_at=later),
        page(f"{HOME}/2", "Two", 2, status=503, disposition="failed", reason="status-5xx", markdown=""),
        page(f"{HOME}/3", "Three", 2, status=404, disposition="failed", reason="status-4xx", markdown="Not found."),
        page(f"{HOME}/4", "Four", markdown="Two.", disposition="duplicate"),
    ]
    told = follow(second)
    assert (told["upserts"], told["deletes"], told["kept"]) == (1, 2, 2)
    same = follow(second)
    assert (same["upserts"], same["deletes"], same["from"]) == (0, 0, same["to"])
    assert follow([*second, page(f"{HOME}/2", "New title", 3, markdown="Two.\n\nTwo.")])["upserts"] == 1


def test_changes_since_another_export(make: MakeFolder, tmp_path: Path) -> None:
    chunks(make([page(f"{HOME}/1", markdown="A.")]), tmp_path / "old.jsonl")
    chunks(make([page(f"{HOME}/1", markdown="B.")]), tmp_path / "new.jsonl", since=tmp_path / "old.jsonl")
    assert [one.get("op") for one in read_lines((tmp_path / "new.changes.jsonl").read_bytes())] in (
        [None, "delete", "upsert"], [None, "upsert", "delete"],
    )  # fmt: skip
    assert sorted(one.name for one in tmp_path.iterdir() if one.is_file()) == [
        "new.changes.jsonl", "new.jsonl", "old.changes.jsonl", "old.jsonl",
    ]  # fmt: skip


def test_bad_input_leaves_nothing(make: MakeFolder, tmp_path: Path) -> None:
    folder, path = make([page(f"{HOME}/1", markdown="A.")]), tmp_path / "a.jsonl"
    (tmp_path / "other.csv").write_text("a,b\n")
    for options, words in (
        ({"since": tmp_path / "other.csv"}, "line 1"),
        ({"since": tmp_path / "othr.csv"}, "did you mean"),
        ({"tokens": 3}, "50 to 8,000"),
    ):
        with pytest.raises(ConfigError, match=words):
            export_folder(folder, "chunks", path, **options)
        with pytest.raises(ConfigError, match=r"name one with -o|50 to 8,000"):
            export_folder(folder, "chunks", None, **options)
    with pytest.raises(ConfigError, match="chunks alone"):
        export_folder(folder, "csv", path, since=tmp_path / "other.csv")
    with pytest.raises(FolderError, match="--markdown"):
        export_folder(make([page(f"{HOME}/1")]), "chunks", path)
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["other.csv"]
