"""The command uses the library as any other program does: what it needs beyond the public names is listed here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import crawler
import crawler.daemon

CLI = Path(__file__).parents[2] / "cli"
PUBLIC = {"crawler": {*crawler.__all__, "seeds"}, "crawler.daemon": {*crawler.daemon.__all__}}
"""Packages that offer names; `crawler.seeds` is a package of its own."""
OPEN = ("crawler.seeds", "crawler.testing", "crawler.settings", "crawler.bench")
"""Packages all of whose names may be used: lists of seeds, a web for tests, the words of the settings, measurements."""
DEEP = {
    "crawler.daemon.systemd": "the protocol of a supervisor, spoken by the process, not by the daemon in it",
    "crawler.dataclass": "cheap classes, which no program needs from us",
    "crawler.event_loop.loop_factory": "one choice of the loop, for the command and for crawl_sync",
    "crawler.offload.auto.explain": "the words of a choice, beside the bounds that it keeps to",
    "crawler.offload.fork_early": "forks the process of a command, which a program with threads of its own may not do",
    "crawler.offload.give_memory_back": "a choice for the whole process, which a library leaves to its program",
    "crawler.offload.start_fork_server": "starts early what open_crawl starts anyway, so that imports overlap",
    "crawler.query.writing": "values of answers as text, for tables and files alike",
    "crawler.runtime.counting": "one way to write a number with its noun, for the command and for errors",
    "crawler.runtime.escaping.json_line": "one way to write a line of JSON, for records, logs and answers alike",
    "crawler.runtime.files": "the errors of a full disk, of which there is one list",
    "crawler.runtime.late_patterns": "expressions that a crawl without a terminal need not compile",
    "crawler.runtime.log_format": "one format of logs and one kind of log file, for the command and the daemon",
    "crawler.runtime.nearest": "one way to guess what a misspelt word was meant to be",
    "crawler.runtime.private_files": "files that only their owner can read, opened in one way",
    "crawler.runtime.thread_reader": "reads an iterable in a thread, as open_crawl reads seeds",
    "crawler.runtime.threads": "calls in threads that a busy event loop does not starve",
    "crawler.runtime.times": "moments as records and explanations write them",
}
"""All else that the command imports, and why it is not public. Make a name public rather than adding it here."""


def test_the_command_imports_public_names_and_a_few_others_that_are_listed() -> None:
    beyond = {(path.name, name) for path, name in _imported() if not _is_public(name)}
    assert {(file, name) for file, name in beyond if _listed(name) is None} == set()
    assert {_listed(name) for _, name in beyond} == DEEP.keys(), "no longer needed"


def test_names_of_the_public_packages_are_imported_from_these() -> None:
    """`crawler.model.Url` is `crawler.Url`: the longer way breaks when a file is renamed."""
    homes = {
        f"{package.__name__}.{home}.{name}"
        for package in (crawler, crawler.daemon)
        for home, names in package._HOMES.items()
        for name in names.split()
    }
    assert {(path.name, name) for path, name in _imported() if name in homes} == set()


def _imported() -> Iterator[tuple[Path, str]]:
    """Yields the full name of everything of ours that each file of the command imports."""
    for path in sorted(CLI.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "crawler":
                yield from ((path, f"{node.module}.{alias.name}") for alias in node.names)
            if isinstance(node, ast.Import):
                yield from ((path, f"{one.name}.*") for one in node.names if one.name.startswith("crawler."))


def _is_public(name: str) -> bool:
    package, _, last = name.rpartition(".")
    return last in PUBLIC.get(package, ()) or name.startswith(tuple(f"{one}." for one in OPEN))


def _listed(name: str) -> str | None:
    return next((one for one in DEEP if name == one or name.startswith(f"{one}.")), None)
