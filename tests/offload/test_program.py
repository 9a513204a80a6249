"""Programs that crawl, however Python starts them: workers import one only for a function that stands in it."""

from __future__ import annotations

import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

import crawler
from crawler.offload import program
from crawler.offload.program import Unguarded, refuse_in_worker

MINE = """
import crawler
def title(content):
    return content.page.title
"""
CRAWLS = """
import asyncio, crawler
from crawler.testing import Site, Web, html, open_web
{function}
print("began")
async def main():
    async with open_web(Web([Site("a.test", {{"/": html("A", ["/b"]), "/b": html("B")}})])) as served:
        async with crawler.stream(
            served.seeds, delay_s=0, allow_networks=["127.0.0.0/8"], workers=2, parse={parse}
        ) as outcomes:
            print([outcome.data async for outcome in outcomes])
"""
BARE = "asyncio.run(main())\n"
FAILS = 'if __name__ != "__main__":\n    raise RuntimeError("not here")\n'
GUARDED = 'if __name__ == "__main__":\n    asyncio.run(main())\n'
OUTSIDE = CRAWLS.format(function="import mine", parse="mine.title")
INSIDE = CRAWLS.format(function=MINE, parse="title")
WITHOUT = CRAWLS.format(function="", parse="None")


def run(folder: Path, *arguments: str, given: str | None = None) -> tuple[int, list[str], str]:
    """Returns the exit code of a program, the lines that it printed, and its messages."""
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=folder, input=given, capture_output=True, text=True, check=False, timeout=120
    )
    return ran.returncode, ran.stdout.splitlines(), ran.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("way", ["file", "input", "no-function", "command", "module", "folder", "archive"])
def test_a_program_needs_no_guard_however_it_is_started(way: str, folder: Path) -> None:
    code = WITHOUT if way == "no-function" else OUTSIDE
    text, given = code + BARE, None
    match way:
        case "file":
            (folder / "program.py").write_text(text)
            arguments = ["program.py"]
        case "input" | "no-function":
            arguments, given = ["-"], text
        case "command":
            arguments = ["-c", text]
        case "module":
            (folder / "pack").mkdir()
            (folder / "pack" / "__main__.py").write_text(text)
            arguments = ["-m", "pack"]
        case _:
            (folder / "pack").mkdir()
            (folder / "pack" / "__main__.py").write_text(text)
            (folder / "pack" / "mine.py").write_text(MINE)
            arguments = ["pack"]
            if way == "archive":
                zipapp.create_archive(folder / "pack", folder / "pack.pyz")
                arguments = ["pack.pyz"]
    expected = ["['A', 'B']" if code == OUTSIDE else "[None, None]"]
    assert run(folder, *arguments, given=given) == (0, ["began", *expected], "")


@pytest.mark.long
@pytest.mark.slow
def test_a_program_that_holds_its_function_is_imported_where_it_has_a_guard(folder: Path) -> None:
    (folder / "program.py").write_text(INSIDE + GUARDED)
    code, printed, messages = run(folder, "program.py")
    assert (code, printed[-1]) == (0, "['A', 'B']")
    assert "Traceback" not in messages
    (folder / "pack").mkdir()
    (folder / "pack" / "tool.py").write_text(INSIDE + GUARDED)
    assert run(folder, "-m", "pack.tool")[1][-1] == "['A', 'B']"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "code", "said"),
    [
        ("program.py", INSIDE + BARE, 'put `if __name__ == "__main__":` before the call that crawls, or move the'),
        ("program.py", INSIDE + FAILS + GUARDED, "cannot import that (RuntimeError: not here): move it to a module"),
        ("-", INSIDE + GUARDED, "'title' cannot be sent to worker processes (the program was read from standard input"),
        ("-m", INSIDE + GUARDED, "it stands in the __main__.py of a package or an archive"),
    ],
    ids=["no-guard", "import-fails", "input", "package"],
)
def test_a_function_that_no_worker_can_load_is_refused_in_one_short_error(
    way: str, code: str, said: str, folder: Path
) -> None:
    (folder / "pack").mkdir()
    for name in ("program.py", "pack/__main__.py"):
        (folder / name).write_text(code)
    ended, printed, messages = run(folder, way, *["pack"] * (way == "-m"), given=code if way == "-" else None)
    lines = messages.splitlines()
    assert (ended, printed) == (1, ["began"])
    assert lines[-1].startswith("crawler.errors.ConfigError: ")
    assert said in lines[-1]
    assert messages.count("Traceback") == 1 + (way != "program.py")
    assert len(lines) < 60


def test_a_crawl_that_begins_while_a_worker_imports_its_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_in_worker()
    monkeypatch.setattr(program, "_importing", [1])
    with pytest.raises(Unguarded):
        refuse_in_worker()
    with pytest.raises(Unguarded):
        crawler.crawl_sync(["http://h/"])
