"""The promises about the repository as a whole that are cheap to keep: its size, its floors, its documents."""

import ast
import graphlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FunctionType

import grimp
import pytest

import crawler
from benchmarks.__main__ import BENCHMARKS
from crawler.cli.commands import COMMANDS
from crawler.cli.exit_codes import Exit
from crawler.model import Disposition, Reason
from crawler.settings.toml import default_toml
from crawler.sinks.record import BEYOND, EXTRA, FIELDS, HEAVY
from tests.committed import ROOT, list_committed

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

HOME = PYPROJECT["project"]["urls"]["Homepage"]

MAX_LINES = 400
"""More does not fit in a head."""

REGISTRIES = ("pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "crates" + ".io", "--index" + "-url")
"""A lock or a document that names a registry works for those alone who may reach it."""

STANDARD = {*sys.stdlib_module_names, "compression"}
"""Modules that come with Python, 3.14 included."""

SLOW = {"aiohttp", "asyncio", "anyio", "numpy", "pydantic", "rich", "turbohtml", "uvloop"}
"""What `crawl --help` has no time for: each of them takes from 50 to 500 ms to import."""

LOADS_OBJECTS = {
    "pickle",
    "cPickle",
    "_pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "yaml",
    "jsonpickle",
    "dbm",
}
WRITES_CODE = {ROOT / "crawler/dataclass.py", ROOT / "crawler/model/quick.py"}
"""It runs text that is made of the names of our own fields and nothing else, as `dataclass` does."""
WRITES_OBJECTS = {"pickle.dumps", "pickle.PickleBuffer"}
RUNS_TEXT = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput", "runpy.run_path"}
"""Objects travel between our own processes alone, through the pipes of `ProcessPoolExecutor`."""
THROUGH_PIPES = {
    ROOT / "crawler/offload/packing.py",  # each answer of a worker by itself
    ROOT / "crawler/offload/shared_bytes.py",  # in a worker: a batch, whose bodies lie in shared memory
    ROOT / "crawler/offload/program.py",  # in a worker: a function of the user's own program
    ROOT / "crawler/model/returned.py",  # what that function returned, in an answer of a worker
    ROOT / "crawler/loops/order.py",  # in a child: the order of the parent that started it
}
"""What came through these pipes in a pickle of its own."""

OF_PAGES = {"Page", "replace"}
"""Calls in which `shell` says that scripts make a page."""

COMES_WITH = {"backports": "backports-zstd", "pydantic_core": "pydantic", "re2": "google-re2"}
"""Distributions that are not named as they are imported."""

OF_EXTRAS = {
    "asyncpg", "cryptography", "duckdb", "obstore", "opentelemetry", "pypdfium2", "pytest", "redis", "trafilatura",
}  # fmt: skip
"""Modules of an extra, imported by a room that is not imported itself without it."""

PARTS_OF_BENCHMARKS = {"__main__", "inside", "machine", "modern_site", "site", "slow"}
"""What benchmarks run in processes of their own."""

SOMEONES_FOLDER = re.compile(r"(?<![\w./~:-])/(?:root|work|home/\w+|Users/\w+)/")


def test_no_file_is_too_long_to_read() -> None:
    read = set(_modules()) - {ROOT / "crawler/settings/keywords.py"}  # written by `make settings`, for type checkers
    assert [path for path in sorted(read) if len(path.read_text().splitlines()) > MAX_LINES] == []


@pytest.mark.slow
def test_every_module_says_what_it_answers_for() -> None:
    assert [path for path in _modules() if ast.get_docstring(ast.parse(path.read_bytes())) is None] == []


def test_imports_run_in_no_circle() -> None:
    graph = grimp.build_graph("crawler", "cli", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()  # a CycleError names the circle


def test_every_package_reaches_the_wheel() -> None:
    folders = {path.parent.relative_to(ROOT).as_posix() for path in _modules() if path.name == "__init__.py"}
    installed_as = {re.sub("^(cli|config)", r"crawler/\1", folder).replace("/", ".") for folder in {*folders, "config"}}
    assert installed_as == set(PYPROJECT["tool"]["setuptools"]["packages"])


@pytest.mark.slow
def test_every_import_is_a_declared_dependency_and_every_dependency_is_imported() -> None:
    imported = {name for path in _modules() for name in _imports(path)} - STANDARD - {"crawler", *OF_EXTRAS}
    distributions = {COMES_WITH.get(name, name.replace("_", "-")) for name in imported}
    assert distributions == set(_names(PYPROJECT["project"]["dependencies"]))


def test_every_export_is_described_in_the_code_and_in_the_documents() -> None:
    documents = _read("README.md") + "".join(path.read_text() for path in ROOT.glob("docs/*.md"))
    exports = {name: getattr(crawler, name) for name in crawler.__all__}
    assert [name for name, export in exports.items() if not _is_described(export)] == []
    assert [name for name in exports if not re.search(rf"`{name}\b|crawler\.{name}\b", documents)] == []


def test_every_link_between_documents_leads_somewhere() -> None:
    links = [
        (path.name, target, ROOT / own if (own := _path_at_home(target)) else path.parent / target)
        for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
        for target in re.findall(r"(?:\]\(|^\[[^]]+\]: )([^)\s#]+)", path.read_text(), re.MULTILINE)
        if "://" not in target or _path_at_home(target)
    ]
    assert len(links) > 100
    assert [(name, target) for name, target, file in links if not file.exists()] == []


def test_the_links_of_the_readme_lead_somewhere_from_an_index_of_packages_too() -> None:
    text = re.sub(r"```.*?```|`[^`]*`", "", _read("README.md"), flags=re.DOTALL)
    labels = set(re.findall(r"^\[([^]]+)\]: ", text, re.MULTILINE))
    used = {label or words for words, label in re.findall(r"\[([^][]+)\](?!\(|:)(?:\[([^]]+)\])?", text)}
    pictures = set(re.findall(r"\]\[([^]]+\.png)\]", text))
    assert [target for target in re.findall(r"\]\(([^)\s]+)", text) if not target.startswith("https://")] == []
    assert used | pictures == labels


def test_the_urls_of_the_package_name_one_home() -> None:
    urls = PYPROJECT["project"]["urls"]
    assert {"Homepage", "Documentation", "Changelog", "Issues"} <= urls.keys()
    assert [url for url in urls.values() if not url.startswith(HOME)] == []
    assert [url for url in urls.values() if (own := _path_at_home(url)) and not (ROOT / own).is_file()] == []


def test_the_citation_names_this_version() -> None:
    cited = dict(re.findall(r'^([a-z-]+): "?([^"\n]*)', _read("CITATION.cff"), re.MULTILINE))
    assert cited["version"] == PYPROJECT["project"]["version"]
    assert cited["license"] == PYPROJECT["project"]["license"]
    assert cited["repository-code"] == HOME


def test_every_document_stands_once_in_the_index() -> None:
    listed = re.findall(r"^\| \[[^]]+\]\(([\w-]+\.md)\)", _read("docs/README.md"), re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in ROOT.glob("docs/*.md") if path.name != "README.md")


def test_the_default_settings_on_file_are_those_of_the_code() -> None:
    assert _read("config/default.toml") == default_toml()


def test_the_documents_name_every_field_of_a_record_in_order() -> None:
    assert _column("docs/records.md", "Fields") == [*FIELDS, *HEAVY, *EXTRA, *BEYOND]


def test_the_documents_name_every_disposition_and_every_reason() -> None:
    assert _column("docs/records.md", "Dispositions") == list(Disposition)
    assert _column("docs/records.md", "Reasons") == list(Reason)


def test_the_documents_name_every_exit_code() -> None:
    cells = _column("README.md", "The command", r"([\d, ]+)")
    assert {int(code) for cell in cells for code in cell.split(",")} == set(Exit)


def test_help_is_answered_before_anything_slow_is_imported() -> None:
    script = "import atexit, sys, crawler.cli as cli; atexit.register(lambda: print(*sys.modules)); cli.main()"
    asked = subprocess.run([sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=True)
    assert "Usage: crawl" in asked.stdout
    imported = set(asked.stdout.split())
    assert SLOW & imported == set()
    assert not {"crawler.model", "crawler.errors", "crawler.settings"} & imported
    assert {name for name in COMMANDS if f"crawler.cli.{name}" in imported} == {"run"}


@pytest.mark.parametrize(
    ("name", "extras"),
    [
        ("requirements.lock", ["socks", "tables"]),
        ("requirements-dev.lock", ["otel", "socks", "tables", "test", "docs", "dev"]),
    ],
)
def test_every_dependency_is_locked_with_its_hashes(name: str, extras: list[str]) -> None:
    lock = _read(name)
    pinned = re.findall(r"^([a-z0-9._-]+)==[^\n]*\\\n    --hash=sha256:", lock, re.MULTILINE)
    optional = PYPROJECT["project"]["optional-dependencies"]
    chosen = [line for extra in extras for line in optional[extra]]
    wanted = _names([*PYPROJECT["project"]["dependencies"], *PYPROJECT["build-system"]["requires"], *chosen])
    assert set(wanted) - {"crawld"} <= set(pinned)
    assert len(pinned) == len(re.findall(r"^[a-z]", lock, re.MULTILINE)), "an entry without a hash"


def test_whoever_runs_the_command_gets_what_was_tested_and_no_tools() -> None:
    to_run, to_develop = (
        re.split(r"\n(?=[a-z])", _read(name).strip()) for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert set(to_run) <= set(to_develop)
    names = {entry.partition("==")[0] for entry in to_run}
    assert names & {"uv", "mypy", "ruff", "pytest", "hypothesis", "playwright"} == set()
    assert PYPROJECT["dependency-groups"]["build"] == PYPROJECT["build-system"]["requires"]


def test_no_committed_file_names_a_registry_or_someones_folder() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path, text in _committed_texts()
        for word in [*filter(text.__contains__, REGISTRIES), *SOMEONES_FOLDER.findall(text)]
    ]
    assert found == []


@pytest.mark.slow
def test_nothing_that_is_read_can_become_code() -> None:
    found = [f"{path.relative_to(ROOT)}:{line}: {what}" for path in _modules() for line, what in _executed(path)]
    assert found == []


def test_no_statement_of_sql_numbers_its_parameters() -> None:
    """Python 3.12.0 to 3.12.3 take `?1` for a name, and warn where values come as a tuple."""
    numbered = re.compile(r"(?:=|>|<|&|LIMIT|OFFSET|\(|,) ?\?[1-9]")
    assert [str(path.relative_to(ROOT)) for path in _modules() if numbered.search(path.read_text())] == []


@pytest.mark.parametrize("document", ["security.md", "frontier.md"])
def test_every_promise_names_a_test_that_holds_it(document: str) -> None:
    promised = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", _read(f"docs/{document}"))
    missing = [(path, name) for path, name in promised if not (ROOT / path).is_file() or not _has_test(path, name)]
    assert len(promised) > 20
    assert missing == []


@pytest.mark.slow
def test_the_tests_are_called_the_same_at_every_time_and_in_every_place(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Two workers that collect different ids run no test at all. Here are the tests of this run, few or many."""
    here = {item.nodeid for item in request.session.items}
    elsewhere = _collect({"PYTHONHASHSEED": "2", "TMPDIR": str(tmp_path), "HOME": str(tmp_path), "TZ": "Asia/Tokyo"})
    assert len(elsewhere) > 4000
    assert here - set(elsewhere) == set()


def test_make_help_lists_every_target() -> None:
    makefile = _read("Makefile")
    targets = set(re.findall(r"^\.PHONY: ([a-z]+)$", makefile, re.MULTILINE))
    assert targets == set(re.findall(r"^([a-z]+):.*  ## \S", makefile, re.MULTILINE))


def test_every_benchmark_has_a_name_and_every_name_a_benchmark() -> None:
    programs = {path.stem for path in ROOT.glob("benchmarks/*.py") if 'if __name__ == "__main__":' in path.read_text()}
    assert programs - PARTS_OF_BENCHMARKS == set(BENCHMARKS)


def test_every_test_that_the_recipes_name_is_there() -> None:
    tests = {name for path in ROOT.glob("tests/**/*.py") for name in re.findall(r"def (test_\w+)\(", path.read_text())}
    assert set(re.findall(r"`(test_[a-z_]+)`", _read("CONTRIBUTING.md"))) - tests == set()


def test_what_ci_runs_is_what_the_makefile_offers() -> None:
    assert "make --no-print-directory lint types stories\nexec make --no-print-directory test\n" in _read(".ci/run")
    stories = re.findall(r"tests/\S+\.py\S*", _read("Makefile").partition("\nSTORIES = ")[2].partition("\n\n")[0])
    for path, _, name in (story.partition("::") for story in stories):
        assert (f"def {name}(" if name else "def test_") in _read(path)
    assert stories
    assert re.search(r'^check: lint types .*\n\t\$\(PYTEST\) -m "not long"$', _read("Makefile"), re.MULTILINE)


def _collect(environment: dict[str, str]) -> list[str]:
    """Returns the id of every test, in order, as another process names them."""
    unneeded = ("cacheprovider", "xdist", "cov", "schemathesis", "hypothesispytest")
    quick = ["--assert=plain", *(f"-pno:{plugin}" for plugin in unneeded)]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *quick]
    ran = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout[-2000:]
    return [line for line in ran.stdout.splitlines() if "::" in line]


def _modules() -> Iterator[Path]:
    yield from sorted([*ROOT.glob("crawler/**/*.py"), *ROOT.glob("cli/**/*.py")])


def _read(name: str) -> str:
    return (ROOT / name).read_text()


def _executed(path: Path) -> Iterator[tuple[int, str]]:
    """Where a module loads objects or runs text: pickles from a file, `eval`, a shell."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            is_ours = name in WRITES_OBJECTS or (name == "pickle.loads" and path in THROUGH_PIPES)
            runs = name in RUNS_TEXT and path not in WRITES_CODE
            if runs or (name.partition(".")[0] in LOADS_OBJECTS and not is_ours):
                yield node.lineno, name
        if isinstance(node, ast.ImportFrom) and node.module in LOADS_OBJECTS:
            yield node.lineno, f"from {node.module} import"
        if isinstance(node, ast.Call) and any(one.arg == "shell" for one in node.keywords) and name not in OF_PAGES:
            yield node.lineno, "shell="


def _has_test(path: str, name: str) -> bool:
    return not name or re.search(rf"^(async )?def {name}\(", _read(path), re.MULTILINE) is not None


def _path_at_home(url: str) -> str | None:
    """The path of the file of this repository that such a URL shows; None: it shows something else."""
    raw = HOME.replace("://github.com", "://raw.githubusercontent.com")
    match = re.match(rf"(?:{HOME}/blob|{raw})/main/(.+)", url)
    return match[1] if match else None


def _column(name: str, heading: str, cell: str = "`([^`]+)`") -> list[str]:
    """What such cells hold in the first column of the tables of a document's section."""
    section = _read(name).split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"^\| {cell} \|", section, re.MULTILINE)


def _imports(path: Path) -> Iterator[str]:
    """The first part of every absolute name that this module imports."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]


def _is_described(export: object) -> bool:
    """Whether someone wrote it a docstring: a dataclass's own is its signature, and an alias can have none."""
    if not isinstance(export, type | FunctionType):
        return True
    text = vars(export).get("__doc__") or export.__doc__ or ""
    return bool(text) and not text.startswith(f"{export.__name__}(")


def _names(requirements: Iterable[str]) -> list[str]:
    """The distribution's name in each of these requirement lines."""
    return [re.split(r"[\[<>=; ]", line, maxsplit=1)[0] for line in requirements]


def _committed_texts() -> Iterator[tuple[Path, str]]:
    for path in list_committed():
        try:
            yield path, path.read_text()
        except UnicodeDecodeError:
            continue  # not a text
