"""The promises about the repository as a whole that are cheap to keep: its size, its floors, its documents."""

import ast
import graphlib
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import grimp

from crawler.model import Disposition, Reason
from crawler.sinks.jsonl import FIELDS, HEAVY
from crawler.toml import default_toml

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

MAX_LINES = 400
"""More does not fit in a head."""

REGISTRIES = ("pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "crates" + ".io", "--index" + "-url")
"""A lock or a document that names a registry works for those alone who may reach it."""

SOMEONES_FOLDER = re.compile(r"(?<![\w./~:-])/(?:root|work|home/\w+|Users/\w+)/")


def test_no_file_is_too_long_to_read() -> None:
    assert [path for path in _modules() if len(path.read_text().splitlines()) > MAX_LINES] == []


def test_every_module_says_what_it_answers_for() -> None:
    assert [path for path in _modules() if ast.get_docstring(ast.parse(path.read_bytes())) is None] == []


def test_imports_run_in_no_circle() -> None:
    graph = grimp.build_graph("crawler", "cli", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()  # a CycleError names the circle


def test_the_default_settings_on_file_are_those_of_the_code() -> None:
    assert _read("config/default.toml") == default_toml()


def test_the_documents_name_every_field_of_a_record_in_order() -> None:
    assert _column("docs/records.md", "Fields") == [*FIELDS, *HEAVY]


def test_the_documents_name_every_disposition_and_every_reason() -> None:
    assert _column("docs/records.md", "Dispositions") == list(Disposition)
    assert _column("docs/records.md", "Reasons") == list(Reason)


def test_every_dependency_is_locked_with_its_hashes() -> None:
    lock = _read("requirements.lock")
    pinned = re.findall(r"^([a-z0-9._-]+)==[^\n]*\\\n    --hash=sha256:", lock, re.MULTILINE)
    extras = PYPROJECT["project"]["optional-dependencies"]
    wanted = _names([*PYPROJECT["project"]["dependencies"], *extras["test"], *extras["dev"]])
    assert set(wanted) - {"crawld"} <= set(pinned)
    assert len(pinned) == len(re.findall(r"^[a-z]", lock, re.MULTILINE)), "an entry without a hash"


def test_no_committed_file_names_a_registry_or_someones_folder() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path, text in _committed_texts()
        for word in [*filter(text.__contains__, REGISTRIES), *SOMEONES_FOLDER.findall(text)]
    ]
    assert found == []


def test_make_help_lists_every_target() -> None:
    makefile = _read("Makefile")
    targets = set(re.findall(r"^\.PHONY: ([a-z]+)$", makefile, re.MULTILINE))
    assert targets == set(re.findall(r"^([a-z]+):.*  ## \S", makefile, re.MULTILINE))


def test_what_ci_runs_is_what_the_makefile_offers() -> None:
    assert "make --no-print-directory check" in _read(".ci/run")
    assert re.search(r"^check: .*\btest\b", _read("Makefile"), re.MULTILINE)


def _modules() -> Iterator[Path]:
    yield from sorted([*ROOT.glob("crawler/**/*.py"), *ROOT.glob("cli/**/*.py")])


def _read(name: str) -> str:
    return (ROOT / name).read_text()


def _column(name: str, heading: str) -> list[str]:
    """What stands in backticks in the first column of the tables of a document's section."""
    section = _read(name).split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def _names(requirements: Iterable[str]) -> list[str]:
    """The distribution's name in each of these requirement lines."""
    return [re.split(r"[\[<>=; ]", line, maxsplit=1)[0] for line in requirements]


def _committed_texts() -> Iterator[tuple[Path, str]]:
    for path in _committed():
        try:
            yield path, path.read_text()
        except UnicodeDecodeError:
            continue  # not a text


def _committed() -> Iterator[Path]:
    """Every file under version control; from an unpacked archive, every file of the folders that are."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        candidates = [ROOT / name for name in listed.split("\0") if name]
    else:
        own = ("crawler", "cli", "tests", "config", "docs", "benchmarks", ".ci")
        candidates = [*ROOT.glob("*"), *(path for folder in own for path in (ROOT / folder).rglob("*"))]
    yield from (path for path in candidates if path.is_file())
